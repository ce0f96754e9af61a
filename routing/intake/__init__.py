"""From a door to a lead: receive, decode, normalise, identify, and never lose anything."""
