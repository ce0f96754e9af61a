"""How fast routing is, beside what the database could do and what a plain program would do."""
