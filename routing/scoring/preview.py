"""What a draft of the score would do to recent leads, beside the live one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reps.models import User
from routing.models import Lead, Organisation
from routing.qualify import facts, scoring
from routing.qualify.scoring import Model, Score
from routing.scoring import apply, live
from routing.visibility import visible_leads

MOST_LEADS = 200
MOST_EXAMPLES = 6
TIERS = ("HOT", "WARM", "COLD")
BANDS = tuple(range(0, 100, 10))


@dataclass(frozen=True, slots=True)
class Example:
    """One lead with both scores; `moved` are the lines that differ: name, before, after."""

    lead: Lead
    before: Score
    after: Score
    moved: tuple[tuple[str, float, float], ...]

    @property
    def by(self) -> int:
        return self.after.value - self.before.value


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Both scores of the newest leads, as of the same moment. `up` and `down` are those that cross
    the threshold; bands are of ten points, the last one with 100.
    """

    leads: int = 0
    changed: int = 0
    other_tier: int = 0
    up: int = 0
    down: int = 0
    tiers: tuple[tuple[str, int, int], ...] = ()
    bands: tuple[tuple[int, int, int], ...] = ()
    profiles: tuple[tuple[str, int], ...] = ()
    examples: tuple[Example, ...] = field(default=())


def compare(body: Mapping[str, Any], *, user: User, at: datetime) -> Comparison:
    """
    Score the newest leads that this person may see by the live model and by another.

    A fixed number of statements.

    :raises routing.qualify.score_body.BadModel: if the body cannot be used
    """
    draft = live.model_of(body)
    organisation = Organisation.get()
    now = live.read(organisation).model
    leads = list(
        visible_leads(user)
        .of_people()
        .counted()
        .select_related("prospect", "source", "account__parent")
        .order_by("-received_at", "-pk")[:MOST_LEADS]
    )
    stories, terms = apply.stories(leads, at=at), facts.Terms.of(organisation)
    rows = []
    for lead in leads:
        story = stories[lead.pk]
        known, events = apply.facts_of(lead, story, terms=terms, at=at), story.events(at)
        before, after = (
            scoring.score(model, known, events=events, at=int(at.timestamp()))
            for model in (now, draft)
        )
        rows.append(Example(lead, before, after, _moved(before, after)))
    return _told(rows, now, draft)


def _told(rows: Sequence[Example], now: Model, draft: Model) -> Comparison:
    tiers = [Counter(row.before.tier for row in rows), Counter(row.after.tier for row in rows)]
    bands = [Counter(band(s.value) for s in part) for part in _both(rows)]
    fits = Counter(name for row in rows for name in row.after.profiles)
    above = [
        (row.before.value >= now.threshold, row.after.value >= draft.threshold) for row in rows
    ]
    moving = sorted(
        (row for row in rows if row.moved or row.by), key=lambda row: (-abs(row.by), -row.lead.pk)
    )
    return Comparison(
        leads=len(rows),
        changed=sum(row.by != 0 for row in rows),
        other_tier=sum(row.before.tier != row.after.tier for row in rows),
        up=above.count((False, True)),
        down=above.count((True, False)),
        tiers=tuple((tier, tiers[0][tier], tiers[1][tier]) for tier in TIERS),
        bands=tuple((low, bands[0][low], bands[1][low]) for low in BANDS),
        profiles=tuple((one.name, fits[one.name]) for one in draft.profiles),
        examples=tuple(moving[:MOST_EXAMPLES]),
    )


def _both(rows: Sequence[Example]) -> tuple[list[Score], list[Score]]:
    return [row.before for row in rows], [row.after for row in rows]


def band(score: int) -> int:
    """The lower end of the band of ten points that a score lies in."""
    return min(score, 99) // 10 * 10


def _moved(before: Score, after: Score) -> tuple[tuple[str, float, float], ...]:
    was = {part.name: part.points for part in before.parts}
    now = {part.name: part.points for part in after.parts}
    return tuple(
        (name, was.get(name, 0.0), now.get(name, 0.0))
        for name in dict.fromkeys([*was, *now])
        if abs(was.get(name, 0.0) - now.get(name, 0.0)) >= 0.05
    )
