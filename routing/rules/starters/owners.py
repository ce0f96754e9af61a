"""Templates that begin with who owns what: the standard order, and the small team."""

from django.utils.translation import gettext_lazy as _

from routing.rules import standard
from routing.rules.starters.base import (
    ALWAYS,
    LAST,
    POOL,
    Chosen,
    Spec,
    Template,
    anybody_of,
    check,
    fallback,
    golden,
    in_turn,
    rule,
    to_owner,
)


def _small_rules(chosen: Chosen) -> list[Spec]:
    return [
        rule(
            "Named account",
            check("account_owner", "not_empty"),
            to_owner("account_owner"),
            "Whoever owns the account takes its leads.",
        ),
        rule(
            "Everybody in turn",
            ALWAYS,
            in_turn(chosen["pool"]),
            "A fair share for each. Out of hours it waits for whoever starts first.",
        ),
        fallback(chosen["fallback"]),
    ]


def _small_golden(chosen: Chosen) -> list[Spec]:
    pool = chosen["pool"]
    owner = anybody_of(pool)
    return [
        golden("Anybody goes round", {"employees": 20}, "Everybody in turn", expect_pool=pool),
        golden(
            "A named account goes to its owner",
            {"account_owner": owner},
            "Named account",
            expect_rep_id=owner,
        ),
    ]


SMALL_TEAM = Template(
    "small_team",
    _("Small team"),
    _("Everybody takes turns, a named account goes to its owner."),
    (
        _("A named account goes to its owner, or the owner's backup."),
        _("Everything else goes round. Out of hours it waits for whoever starts first."),
        _("What nobody could take goes to the fallback queue, and somebody answers for it."),
        _("Goes with a promise: acknowledged within 15 minutes."),
    ),
    (POOL, LAST),
    _small_rules,
    _small_golden,
    acknowledge=15,
)


def _standard_rules(chosen: Chosen) -> list[Spec]:
    return standard.rules(pool=chosen["pool"], fallback=chosen["fallback"])


def _standard_golden(chosen: Chosen) -> list[Spec]:
    pool, hot = chosen["pool"], {"score": 90, "tier": "HOT"}
    owner = anybody_of(pool)
    return [
        golden(
            "A low score rests in nurture",
            {"score": 10},
            f"Below {standard.THRESHOLD} goes to nurture",
            expect_outcome="nurture",
        ),
        golden(
            "Who asks to be contacted is never put to rest",
            {"score": 10, "hand_raise": True},
            "General pool",
            expect_pool=pool,
        ),
        golden(
            "A deal's owner comes before the account's",
            {**hot, "opportunity_owner": owner, "account_owner": owner},
            "Open opportunity",
            expect_rep_id=owner,
        ),
        golden(
            "A named account goes before the pool",
            {**hot, "account_owner": owner},
            "Named account",
            expect_rep_id=owner,
        ),
        golden(
            "A subsidiary follows its group",
            {**hot, "parent_account_owner": owner},
            "Parent account",
            expect_rep_id=owner,
        ),
        golden("Everything else goes round", hot, "General pool", expect_pool=pool),
    ]


STANDARD = Template(
    "standard",
    _("Standard"),
    _("Score, deals, accounts, territories, then the pool."),
    (
        _("Below the score's threshold a lead rests in nurture unless the person asked for us."),
        _("Then open deals, named accounts, parent companies, the territory's owner and pool."),
        _("What is left goes round in the general pool, and at last to the fallback queue."),
    ),
    (POOL, LAST),
    _standard_rules,
    _standard_golden,
    acknowledge=15,
    has_threshold=True,
)
