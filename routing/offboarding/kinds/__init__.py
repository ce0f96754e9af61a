"""The kinds of things that name a rep, each in the module of what it is about."""
