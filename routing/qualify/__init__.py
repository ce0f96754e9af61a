"""What is known about a lead, in the words of the rules, and the score made from it."""
