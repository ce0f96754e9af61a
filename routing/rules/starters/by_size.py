"""Templates that look at the size of the company first."""

from django.utils.translation import gettext_lazy as _

from routing.rules.starters.base import (
    LAST,
    Chosen,
    Slot,
    Spec,
    Template,
    anybody_of,
    check,
    every,
    fallback,
    golden,
    in_turn,
    rule,
    to_owner,
)


def _size_rules(chosen: Chosen) -> list[Spec]:
    mid = check("employees", "between", [50, 500])
    return [
        rule(
            "SMB in turn",
            check("employees", "lt", 50),
            in_turn(chosen["smb"]),
            "Under 50 people: quick answers matter more than who gives them.",
        ),
        rule(
            "Mid-market by territory",
            every(mid, check("territory", "not_empty")),
            to_owner("territory_owner"),
            "50 to 500 people: whoever knows the region.",
        ),
        rule(
            "Mid-market without a territory",
            mid,
            in_turn(chosen["mid_market"]),
            "No territory serves the place, or nobody of it could take it.",
        ),
        rule(
            "Enterprise by named owner",
            every(check("employees", "gt", 500), check("account_owner", "not_empty")),
            to_owner("account_owner"),
            "Over 500 people: a named owner who knows the account.",
        ),
        fallback(
            chosen["fallback"],
            "An enterprise nobody owns yet, or a company of unknown size: a person decides.",
        ),
    ]


def _size_golden(chosen: Chosen) -> list[Spec]:
    owner = anybody_of(chosen["smb"])
    return [
        golden("49 people", {"employees": 49}, "SMB in turn", expect_pool=chosen["smb"]),
        golden(
            "50 people, no territory",
            {"employees": 50},
            "Mid-market without a territory",
            expect_pool=chosen["mid_market"],
        ),
        golden(
            "500 people, no territory",
            {"employees": 500},
            "Mid-market without a territory",
            expect_pool=chosen["mid_market"],
        ),
        golden(
            "501 people with a named owner",
            {"employees": 501, "account_owner": owner},
            "Enterprise by named owner",
            expect_rep_id=owner,
        ),
        golden(
            "501 people whom nobody owns",
            {"employees": 501},
            "Fallback",
            expect_queue=chosen["fallback"],
        ),
        golden("Size unknown", {"country": "US"}, "Fallback", expect_queue=chosen["fallback"]),
    ]


BY_SIZE = Template(
    "by_size",
    _("By company size"),
    _("Small companies go round, mid-market by territory, enterprises to a named owner."),
    (
        _("Under 50 employees: the SMB pool takes turns."),
        _("50 to 500: the territory's owner; without a territory, the mid-market pool."),
        _("Over 500: the named account owner."),
        _("An enterprise without an owner, or an unknown size, goes to the fallback queue."),
    ),
    (
        Slot("smb", "pool", _("SMB pool"), _("Under 50 employees.")),
        Slot("mid_market", "pool", _("Mid-market pool"), _("50 to 500, without a territory.")),
        LAST,
    ),
    _size_rules,
    _size_golden,
)


def _waterfall_rules(chosen: Chosen) -> list[Spec]:
    mapped = check("territory", "not_empty")
    return [
        rule(
            "Named account",
            check("account_owner", "not_empty"),
            to_owner("account_owner"),
            "A named account overrides the territory.",
        ),
        rule(
            "Unmapped",
            {"not": mapped},
            {"target": {"kind": "queue", "id": chosen["fallback"].pk}},
            "No territory serves the place: the manager's catch-all queue.",
        ),
        rule(
            "Enterprise",
            check("employees", "gte", 1000),
            in_turn(chosen["enterprise"]),
            "A thousand people and more: the enterprise team.",
        ),
        rule(
            "Commercial",
            check("employees", "between", [100, 999]),
            in_turn(chosen["commercial"]),
            "100 to 999 people: the commercial team.",
        ),
        rule(
            "Inside sales",
            check("employees", "lt", 100),
            in_turn(chosen["inside"]),
            "Under 100 people: inside sales.",
        ),
        fallback(chosen["fallback"], "The size is unknown: the manager's catch-all queue."),
    ]


def _waterfall_golden(chosen: Chosen) -> list[Spec]:
    owner = anybody_of(chosen["enterprise"])
    here = {"territory": 0}
    return [
        golden(
            "A named account overrides its territory",
            {**here, "employees": 5000, "account_owner": owner},
            "Named account",
            expect_rep_id=owner,
        ),
        golden(
            "1,000 people",
            {**here, "employees": 1000},
            "Enterprise",
            expect_pool=chosen["enterprise"],
        ),
        golden(
            "999 people", {**here, "employees": 999}, "Commercial", expect_pool=chosen["commercial"]
        ),
        golden(
            "100 people", {**here, "employees": 100}, "Commercial", expect_pool=chosen["commercial"]
        ),
        golden(
            "99 people", {**here, "employees": 99}, "Inside sales", expect_pool=chosen["inside"]
        ),
        golden(
            "A place that no territory serves",
            {"employees": 5000},
            "Unmapped",
            expect_queue=chosen["fallback"],
        ),
    ]


WATERFALL = Template(
    "waterfall",
    _("Documented waterfall"),
    _("Named accounts, then enterprise, commercial and inside sales by size."),
    (
        _("A named account overrides the territory."),
        _("1,000 employees and more: the enterprise team."),
        _("100 to 999: the commercial team. Under 100: inside sales."),
        _("A place that no territory serves goes to the manager's catch-all queue."),
    ),
    (
        Slot("enterprise", "pool", _("Enterprise team"), _("1,000 employees and more.")),
        Slot("commercial", "pool", _("Commercial team"), _("100 to 999 employees.")),
        Slot("inside", "pool", _("Inside sales"), _("Under 100 employees.")),
        Slot("fallback", "queue", _("Manager's catch-all queue"), _("What no territory serves.")),
    ),
    _waterfall_rules,
    _waterfall_golden,
)
