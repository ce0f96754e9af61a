"""
From evidence to a probability.

Names and places: a logistic model whose weights `manage.py measure_matching --fit` fitted on
labelled leads (`coefficients` names them); its output is a probability in leads like
those, of which one in three belonged to an account. Domains: no labelled lead has one, so
their log-odds are chosen, not measured: about as telling as the same name.
"""

from typing import Final

from accounts.matching.evidence import Features
from accounts.matching.fitting import Model

# At least this likely is a match; below REVIEW_AT there is no account to speak of.
MATCH_AT: Final = 0.7
REVIEW_AT: Final = 0.1
# Two candidates whose log-odds are closer than this are a contest, and a person decides.
MARGIN: Final = 1.0

# Which way each kind of evidence may point, so that more of it never says less.
SIGNS: Final = {
    "exact": 1,
    "same_words": 1,
    "shared": 1,
    "lead_within": 1,
    "account_within": 1,
    "likeness_squared": 1,
    "same_head": 1,
    "same_head_strongest": 1,
    "same_city": 1,
    "same_state": 1,
    "same_city_similar": 1,
    "same_state_similar": 1,
    "same_city_same_head": 1,
    "same_city_acronym": 1,
    "lead_alone": -1,
    "account_alone": -1,
    "shortened": -1,
    "fund": -1,
    "other_state": -1,
}

# Chosen. Log-odds of a lead by its domain alone, beside a name that says nothing.
DOMAINS: Final = {
    "domain": 4.5,
    "sub_domain": 4.2,  # the lead's host lies under the account's
    "same_registrable_domain": 0.3,  # another part of it: a person should look
}
# Chosen. What the same name adds to a domain; a similar one adds as much of half of it.
NAME_BESIDE_DOMAIN: Final = 2.0
# Chosen. Both have a domain of their own and they differ: even the same name is for review.
OTHER_DOMAIN: Final = -4.5
# Chosen: no labelled lead lies in another country than its look-alike.
OTHER_COUNTRY: Final = -1.5
_PLACE_BESIDE_DOMAIN: Final = {"same city": 0.6, "same state": 0.3, "other country": -0.6}


def by_name(features: Features, agreement: str, model: Model) -> float:
    """Give the log-odds by name and place."""
    return model.log_odds(features) + (OTHER_COUNTRY if agreement == "other country" else 0.0)


def by_place(agreement: str) -> float:
    """Give what the place adds to the log-odds of a domain."""
    return _PLACE_BESIDE_DOMAIN.get(agreement, 0.0)
