"""Templates that look at where the company is."""

from django.utils.translation import gettext_lazy as _

from routing.rules.starters.base import (
    ALWAYS,
    LAST,
    Chosen,
    Slot,
    Spec,
    Template,
    check,
    every,
    fallback,
    golden,
    in_turn,
    rule,
)

# Census Bureau region 1.
NORTHEAST = ["CT", "MA", "ME", "NH", "NJ", "NY", "PA", "RI", "VT"]
QUARTER = 900
# How far a field rep is asked to travel.
REACH_KM = 160


def _field_rules(chosen: Chosen) -> list[Spec]:
    return [
        rule(
            "Field rep nearby",
            check("postal_code", "not_empty"),
            {
                "target": {"kind": "pool", "id": chosen["field"].pk},
                "stages": [
                    {"do": "filter", "by": "near", "within_km": REACH_KM},
                    {"do": "filter", "by": "before_deadline", "within": QUARTER},
                    {"do": "prefer", "by": "nearest"},
                    {"do": "select", "by": "round_robin"},
                ],
                "on_empty": "wait",
                "wait_at_most": QUARTER,
            },
            "The nearest field rep who can answer within 15 minutes.",
        ),
        rule(
            "Inside sales",
            ALWAYS,
            in_turn(chosen["inside"]),
            "No field rep within 15 minutes, or no ZIP: inside sales take it.",
        ),
        fallback(chosen["fallback"]),
    ]


def _field_golden(chosen: Chosen) -> list[Spec]:
    nowhere = {"postal_code": "00000"}
    return [
        golden(
            "A ZIP waits for a field rep at first",
            {**nowhere, "waited": 0},
            "Field rep nearby",
            expect_outcome="park",
        ),
        golden(
            "After 15 minutes inside sales take it",
            {**nowhere, "waited": QUARTER},
            "Inside sales",
            expect_pool=chosen["inside"],
        ),
        golden("No ZIP: inside sales at once", {}, "Inside sales", expect_pool=chosen["inside"]),
    ]


FIELD = Template(
    "field_zip",
    _("Field by ZIP"),
    _("The nearest field rep; after 15 minutes inside sales."),
    (
        _("A lead with a ZIP goes to the nearest field rep within 160 km."),
        _("If none can answer within 15 minutes, inside sales take turns."),
        _("Reps need a postal code, so that the nearest is known."),
    ),
    (
        Slot("field", "pool", _("Field reps"), _("With a postal code each.")),
        Slot("inside", "pool", _("Inside sales"), _("After 15 minutes, or without a ZIP.")),
        LAST,
    ),
    _field_rules,
    _field_golden,
    acknowledge=15,
)


def _region_rules(chosen: Chosen) -> list[Spec]:
    return [
        rule(
            "Northeast enterprise over $50K",
            every(
                check("country", "eq", "US"),
                check("region", "in", NORTHEAST),
                check("employees", "gt", 500),
                check("expected_value", "gt", 50_000),
            ),
            {"target": {"kind": "rep", "id": chosen["specialist"].pk}},
            "Few, large, and in one region: one person knows them all.",
        ),
        rule(
            "SMB basic tier",
            every(check("employees", "lt", 50), check("product_interest", "eq", "basic")),
            in_turn(chosen["inside"]),
            "Small companies on the basic tier: inside sales.",
        ),
        rule(
            "Everything else",
            ALWAYS,
            in_turn(chosen["general"]),
            "A fair share for each of the general pool.",
        ),
        fallback(chosen["fallback"]),
    ]


def _region_golden(chosen: Chosen) -> list[Spec]:
    big = {"country": "US", "region": "NY", "employees": 800, "expected_value": 60_000}
    general = chosen["general"]
    return [
        golden(
            "New York, 800 people, $60K",
            big,
            "Northeast enterprise over $50K",
            expect_rep_id=chosen["specialist"].pk,
        ),
        golden(
            "The same at $50K exactly",
            {**big, "expected_value": 50_000},
            "Everything else",
            expect_pool=general,
        ),
        golden(
            "The same in California",
            {**big, "region": "CA"},
            "Everything else",
            expect_pool=general,
        ),
        golden(
            "20 people on the basic tier",
            {"employees": 20, "product_interest": "basic"},
            "SMB basic tier",
            expect_pool=chosen["inside"],
        ),
        golden(
            "20 people on another tier",
            {"employees": 20, "product_interest": "pro"},
            "Everything else",
            expect_pool=general,
        ),
    ]


REGION = Template(
    "region_budget",
    _("Region and budget"),
    _("Large deals of one region go to a named rep, small ones to inside sales."),
    (
        _("The Northeast, over 500 employees and over $50,000: one named rep."),
        _("Under 50 employees on the basic tier: the inside-sales pool."),
        _("Everything else goes round in the general pool."),
    ),
    (
        Slot("specialist", "rep", _("Northeast enterprise rep"), _("Takes the large deals.")),
        Slot("inside", "pool", _("Inside sales"), _("Small companies on the basic tier.")),
        Slot("general", "pool", _("General pool"), _("Everything else.")),
        LAST,
    ),
    _region_rules,
    _region_golden,
)
