"""
A rep leaves: everything that names them is found, planned, handed over, and can be put back.

`registry` knows every reference to a rep or a user; `plan` says to whom each goes; `carry` does
it in batches that can be continued; `undo` puts back what nobody has changed since.
"""
