"""
What is added to a lead beyond what its person said: from tables of our own at once, from others
under a deadline.

`titles`, `speech`, `breaker`, `waterfall`, `mapping` and `agreement` are pure. `fields` names what
can be known, `providers` who can know it at once, `begin` runs them in intake, `drain` asks those
outside, `late` looks again at what was decided without them, and `report` says how good they are.
"""
