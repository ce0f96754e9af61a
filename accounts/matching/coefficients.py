"""
The weights of the evidence, written by `manage.py measure_matching --fit`; not by hand.

Fitted on 1,360 pairs of a lead and an account that share a key, of 2,879 labelled leads
(the visible half of lead_to_account). How good they are is measured without the leads that they
were fitted on: docs/development/matching.md.
"""

from typing import Final

from accounts.matching.fitting import Model

MODEL: Final = Model(
    intercept=-0.721,
    weights={
        "account_alone": -1.808,
        "account_within": 0.713,
        "acronym": -1.791,
        "exact": 5.280,
        "fund": -1.093,
        "lead_alone": -2.235,
        "lead_within": 1.385,
        "likeness_squared": 0.908,
        "other_state": -0.136,
        "same_city": 2.599,
        "same_city_acronym": 1.434,
        "same_city_same_head": 1.635,
        "same_city_similar": 0.534,
        "same_head": 0.050,
        "same_head_strongest": 1.677,
        "same_state": 1.113,
        "same_state_similar": 1.296,
        "same_words": 1.259,
        "shared": 1.392,
        "shortened": -1.557,
        "similar": -3.489,
    },
)
