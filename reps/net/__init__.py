"""
Calls to other machines: calendars that are read, and messages that are handed over.

`addresses` says which places may be called, `wire` connects to the very number that was
checked and keeps one deadline, and `post` is the only way in which anything is sent.
Nothing here imports Django.
"""
