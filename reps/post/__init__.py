"""
The outbox: messages are written with the change they tell of, and delivered afterwards.

Upper apps register message kinds (`kinds.register`); channels are registered in
`channels`. Nothing here knows what a lead is.
"""
