"""
What is held about a person: shown, handed out, erased (requirement AUD-3).

Personal data lies in few places, apart from everything that is tracked. Each place is a
`Holding` in one registry (`registry`), so that what is shown, exported and erased is the same.
What is tracked holds categories, moments and the words of colleagues, in which addresses and
the person's name are masked before they are written (`marks`).
"""
