"""The template for a product that people try before they buy."""

from django.utils.translation import gettext_lazy as _

from reps.models import Rep
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

TWO_DAYS = 2 * 86_400


def _rules(chosen: Chosen) -> list[Spec]:
    pricing = check(
        "events", "happened", {"name": "pricing_page", "at_least": 1, "within": TWO_DAYS}
    )
    return [
        rule(
            "Pricing page with a work address",
            every(pricing, check("email_class", "eq", "work")),
            in_turn(chosen["ae"]),
            "Looks at prices, from work: an account executive, while it is warm.",
        ),
        rule(
            "Free tier to the AI agent",
            check("product_interest", "eq", "free"),
            {"target": {"kind": "agent"}},
            "The agent answers at once, and hands over when intent is confirmed.",
        ),
        rule(
            "Free tier without an agent",
            check("product_interest", "eq", "free"),
            {"target": {"kind": "nurture"}},
            "No agent is there or free: nurture until an event lifts it.",
        ),
        rule(
            "Everybody else",
            ALWAYS,
            in_turn(chosen["ae"]),
            "Not on the free tier: a person answers.",
        ),
        fallback(chosen["fallback"]),
    ]


def _golden(chosen: Chosen) -> list[Spec]:
    seen = {"events": [["pricing_page", 3600]]}
    ae = chosen["ae"]
    return [
        golden(
            "Pricing page an hour ago, work address",
            {**seen, "email_class": "work", "product_interest": "free"},
            "Pricing page with a work address",
            expect_pool=ae,
        ),
        golden(
            "Pricing page last week does not count",
            {
                "events": [["pricing_page", 7 * 86_400]],
                "email_class": "work",
                "product_interest": "pro",
            },
            "Everybody else",
            expect_pool=ae,
        ),
        golden(
            "Pricing page from a free address",
            {**seen, "email_class": "free", "product_interest": "pro"},
            "Everybody else",
            expect_pool=ae,
        ),
        _free_tier(),
    ]


def _free_tier() -> Spec:
    """Who takes the free tier depends on whether an agent is there at all."""
    facts = {"product_interest": "free", "email_class": "free"}
    if Rep.objects.active().filter(role=Rep.Role.AI_AGENT).exists():
        return golden("Free tier: the agent", facts, "Free tier to the AI agent")
    return golden(
        "Free tier: nurture, as there is no agent",
        facts,
        "Free tier without an agent",
        expect_outcome="nurture",
    )


PRODUCT_LED = Template(
    "product_led",
    _("Product-led"),
    _("The free tier talks to an AI agent, whoever looks at prices to a person."),
    (
        _("The pricing page within two days and a work address: an account executive."),
        _("The free tier: the AI agent; without one, nurture."),
        _("Everybody else: the account executives take turns."),
        _("Send what people do as events with their lead, such as pricing_page."),
    ),
    (Slot("ae", "pool", _("Account executives"), _("Answer whoever shows intent.")), LAST),
    _rules,
    _golden,
)
