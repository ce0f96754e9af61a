"""
Templates: rule sets to start from, each with the golden leads that prove what it says (RUL-9).

Adding one is one `Template` in `ALL`.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.dispatch import Signal

from reps import trail
from reps.models import User
from routing.models import GoldenLead, RuleSet
from routing.rules import lifecycle
from routing.rules.edit import add_rules
from routing.rules.lifecycle import RulesRefused
from routing.rules.starters import cold_leads
from routing.rules.starters.base import Chosen, Slot, Template
from routing.rules.starters.by_place import FIELD, REGION
from routing.rules.starters.by_size import BY_SIZE, WATERFALL
from routing.rules.starters.cold_leads import Cold
from routing.rules.starters.owners import SMALL_TEAM, STANDARD
from routing.rules.starters.product_led import PRODUCT_LED

__all__ = ["ALL", "BY_SLUG", "Cold", "Slot", "Template", "start", "started"]

ALL = (SMALL_TEAM, STANDARD, BY_SIZE, WATERFALL, FIELD, PRODUCT_LED, REGION)
BY_SLUG: Mapping[str, Template] = {template.slug: template for template in ALL}

# Sent inside the transaction, with `template`, `by` and `at`: for promises that go with it.
started = Signal()


@transaction.atomic
def start(
    *,
    template: Template,
    chosen: Chosen,
    cold: Cold | None = None,
    by: User,
    at: datetime,
) -> RuleSet:
    """
    Fill an empty draft with a template's rules and golden leads.

    `chosen` has a record for every slot of the template; `cold` says what becomes of leads
    below the threshold, None what the template says.

    :raises RulesRefused: if a slot is empty, or the draft has rules already
    """
    for slot in template.slots:
        if chosen.get(slot.name) is None:
            raise RulesRefused(f"Choose: {slot.label}.")
    draft = lifecycle.draft(by=by, at=at, note=f"{template.name}: {template.summary}")
    if draft.rules.exists():
        raise RulesRefused(
            f"{draft} has rules already. Empty or publish it first, then take a template."
        )
    add_rules(draft, cold_leads.rules(template, chosen, cold), by=by, at=at)
    for columns in cold_leads.golden(template, chosen, cold):
        trail.save(GoldenLead(ruleset=draft, **columns), by=by, at=at, reason="template")
    started.send(sender=Template, template=template, by=by, at=at)
    return draft
