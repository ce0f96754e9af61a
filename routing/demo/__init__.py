"""
The demo organisation and its traffic: a company, its people and prospects, all invented.

`organisation.load` fills an empty database once; `traffic.Traffic` then plays prospects and
reps through the HTTP doors, as strangers to the product would.
"""
