"""The scenarios, each by its code in the reliability study; adding one is a function here."""
