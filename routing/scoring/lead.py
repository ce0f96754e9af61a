"""The score of one lead as it is at this moment, line by line."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.models import Lead, Organisation
from routing.qualify import facts
from routing.qualify.scoring import Part, Score
from routing.scoring import apply, live


@dataclass(frozen=True, slots=True)
class Line:
    """One contribution in words: its points now, and what time or a cap took from it."""

    name: str
    kind: str
    points: int | float
    was: int | float | None = None
    count: int = 0
    ago: timedelta | None = None

    @property
    def since(self) -> str:
        """When the newest of its events was, e.g. "3 days ago"."""
        if self.ago is None:
            return ""
        hours = int(self.ago.total_seconds()) // 3600
        if hours < 1:
            return "within the hour"
        if hours < 48:
            return f"{hours} hour{'s' * (hours != 1)} ago"
        return f"{hours // 24} days ago"


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a lead scores at a moment and why. `stored` is what lists say: the number may lag by a
    day, tier and threshold by a quarter of an hour. `version` is the one it was scored by.
    """

    value: int
    tier: str
    lines: tuple[Line, ...]
    fit: int | float
    engagement: int | float
    profiles: tuple[str, ...]
    stored: int
    version: str
    is_old: bool

    @property
    def total(self) -> int | float:
        """The sum before it is bounded."""
        return apply.rounded(sum(line.points for line in self.lines))


def standing(lead: Lead, *, at: datetime) -> Standing:
    """
    Score a lead read with prospect, source and account by what scores now, as of this moment.

    A closed lead keeps what it had: its lines are those that were stored.
    """
    organisation = Organisation.get()
    version = str(lead.score_model) if lead.score_model_id else ""
    is_old = lead.score_model_id != organisation.live_score_model_id
    if not lead.is_open or lead.score_model_id is None:
        lines = tuple(Line(name, "", points) for name, points in lead.score_parts)
        return Standing(
            lead.score,
            lead.tier,
            lines,
            lead.fit,
            lead.engagement,
            tuple(lead.profiles),
            lead.score,
            version,
            is_old and lead.is_open,
        )
    scores = live.read(organisation)
    (story,) = apply.stories([lead], at=at).values()
    known = apply.facts_of(lead, story, terms=facts.Terms.of(organisation), at=at)
    return _told(lead, apply.score(scores, known, events=story.events(at), at=at), version, is_old)


def _told(lead: Lead, score: Score, version: str, is_old: bool) -> Standing:
    return Standing(
        score.value,
        score.tier,
        tuple(line_of(part) for part in score.parts),
        apply.rounded(score.fit),
        apply.rounded(score.engagement),
        score.profiles,
        lead.score,
        version,
        is_old,
    )


def line_of(part: Part) -> Line:
    """A part of a score as a line to show."""
    return Line(
        part.name,
        part.kind,
        apply.rounded(part.points),
        apply.rounded(part.full) if part.has_decayed else None,
        part.count,
        None if part.ago is None else timedelta(seconds=part.ago),
    )
