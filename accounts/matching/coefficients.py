"""
The weights of the evidence, written by `manage.py measure_matching --fit`; not by hand.

Fitted on 1,360 pairs of a lead and an account that share a key, of 2,879 labelled leads
(the visible half of lead_to_account). How good they are is measured without the leads that they
were fitted on: docs/development/matching.md.
"""

from typing import Final

from accounts.matching.fitting import Model

MODEL: Final = Model(
    intercept=-0.718,
    weights={
        "account_alone": -1.809,
        "account_within": 0.722,
        "acronym": -1.792,
        "exact": 5.277,
        "fund": -1.006,
        "lead_alone": -2.245,
        "lead_within": 1.382,
        "likeness_squared": 0.906,
        "other_state": -0.138,
        "same_city": 2.599,
        "same_city_acronym": 1.433,
        "same_city_same_head": 1.634,
        "same_city_similar": 0.534,
        "same_head": 0.047,
        "same_head_strongest": 1.683,
        "same_state": 1.112,
        "same_state_similar": 1.295,
        "same_words": 1.250,
        "shared": 1.389,
        "shortened": -1.562,
        "similar": -3.485,
    },
)
