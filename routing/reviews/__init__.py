"""Reviews of matches that the matcher was not sure of: opened by intake, decided by people."""
