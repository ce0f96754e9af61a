"""The score in service: its versions, what it does to leads, and how well it tells."""
