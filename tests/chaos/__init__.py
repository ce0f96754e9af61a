"""
`make chaos`: the whole product as real processes, killed, frozen and cut off while it works.

Each scenario is a load, faults drawn from a seed, a quiet end, and then the judgement: every
invariant, and the log of every act that the product acknowledged, compared with the database.
The short form of some scenarios runs with the tests (`test_short`).
"""
