"""
To which account a lead belongs: the decision, apart from where the candidates come from.

`match` judges the candidates it is given; `Index` finds them in an account book held in memory
and asks the same rules; `accounts.services.matching` finds them in the database. Pure: nothing
in this package reads a database, a clock or a network.

A lead passes `blocking` (which accounts to look at), `evidence` with `likeness` and `words`
(what speaks for each), `calibration` (how likely that makes it) and `deciding` (who wins, what
beat the others, and whether a person should look).
"""

from accounts.matching.book import Index
from accounts.matching.calibration import MARGIN, MATCH_AT, REVIEW_AT
from accounts.matching.deciding import TIE_BREAKERS, is_clear, match
from accounts.matching.likeness import similarity
from accounts.matching.types import Candidate, Contender, Evidence, LeadIdentity, Match

__all__ = [
    "MARGIN",
    "MATCH_AT",
    "REVIEW_AT",
    "TIE_BREAKERS",
    "Candidate",
    "Contender",
    "Evidence",
    "Index",
    "LeadIdentity",
    "Match",
    "is_clear",
    "match",
    "similarity",
]
