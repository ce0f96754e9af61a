"""The life of rule sets: draft, check, publish, roll back, and the rules in plain words."""
