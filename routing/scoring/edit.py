"""Change the score: draft, line by line, publish with a reason, go back to a version."""

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from reps import trail
from reps.models import RosterStamp, User
from routing.models import Organisation, ScoreModel
from routing.qualify import facts, score_body
from routing.qualify.score_body import PARTS, BadModel
from routing.scoring import definitions, rescore
from routing.scoring.refusals import ScoreRefused

# The reason is kept with each history row, which has room for 100 characters in all.
LONGEST_REASON = 80


def open_draft() -> ScoreModel | None:
    """The draft there is; at most one, so that two people cannot publish past each other."""
    rows = ScoreModel.objects.select_related("based_on", "created_by")
    return rows.filter(state=ScoreModel.State.DRAFT).first()


@transaction.atomic
def draft(*, by: User | None, at: datetime) -> ScoreModel:
    """Return the open draft, or make one as a copy of the live version."""
    organisation = _locked_organisation()
    there = open_draft()
    if there is not None:
        return there
    live = organisation.live_score_model
    made = ScoreModel(
        version=(ScoreModel.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        body=score_body.empty() if live is None else copy.deepcopy(live.body),
        based_on=live,
        created_by=by,
    )
    trail.save(made, by=by, at=at, reason="drafted", kind="drafted")
    return made


@transaction.atomic
def save_body(
    *, body: Mapping[str, Any], by: User | None, at: datetime, reason: str = "edited"
) -> ScoreModel:
    """
    Give the draft this body; there is one from then on.

    :raises ScoreRefused: naming the part that cannot be used
    """
    check(body)
    row = _locked_draft(by=by, at=at)
    if row.body != body:
        row.body = dict(body)
        trail.save(row, by=by, at=at, reason=reason)
    return row


@transaction.atomic
def save_line(
    *, part: str, name: str | None, line: Mapping[str, Any], by: User | None, at: datetime
) -> ScoreModel:
    """
    Change the line of this name in a part of the draft (profiles, factors, events), or add one.

    :raises ScoreRefused: if the line cannot be used, or is no longer there
    """
    row = _locked_draft(by=by, at=at)
    body = copy.deepcopy(row.body)
    lines = body.setdefault(_part(part), [])
    if name is None:
        lines.append(dict(line))
    else:
        lines[_place(lines, name)] = dict(line)
    return save_body(body=body, by=by, at=at, reason="added" if name is None else "edited")


@transaction.atomic
def delete_line(*, part: str, name: str, by: User | None, at: datetime) -> ScoreModel:
    """
    Take a line out of the draft.

    :raises ScoreRefused: if it is no longer there
    """
    row = _locked_draft(by=by, at=at)
    body = copy.deepcopy(row.body)
    lines = body.setdefault(_part(part), [])
    del lines[_place(lines, name)]
    return save_body(body=body, by=by, at=at, reason="taken out")


@transaction.atomic
def discard(*, by: User | None, at: datetime) -> None:
    """Throw the draft away; its last state stays in the history."""
    _locked_organisation()
    row = open_draft()
    if row is not None:
        trail.delete(row, by=by, at=at, reason="thrown away")


@transaction.atomic
def publish(*, reason: str, by: User | None, at: datetime, again: bool = True) -> ScoreModel:
    """
    Make the draft the live version; from here on it never changes.

    Signatures under the definitions are taken off, for they were given for another score. Open
    leads are scored anew unless `again` is off; then each keeps its score until its next event.

    :raises ScoreRefused: without a draft, without a reason, or if nothing differs from the
        live version
    """
    reason = _reason(reason)
    organisation = _locked_organisation()
    row = open_draft()
    if row is None:
        raise ScoreRefused("There is no draft of the score to publish.")
    check(row.body)
    live = organisation.live_score_model
    if live is not None and live.body == row.body:
        raise ScoreRefused(f"The draft says just what {live} says. Change it, or throw it away.")
    row.state, row.note = ScoreModel.State.PUBLISHED, reason
    row.published_at, row.published_by = at, by
    trail.save(row, by=by, at=at, reason=f"published: {reason}", kind="published")
    _go_live(organisation, row, reason=f"score published: {reason}", by=by, at=at, again=again)
    return row


@transaction.atomic
def roll_back(
    *, version: int, reason: str, by: User | None, at: datetime, again: bool = True
) -> ScoreModel:
    """
    Let an earlier published version score again.

    :raises ScoreRefused: without a reason, or if that version is no earlier published one
    """
    reason = _reason(reason)
    organisation = _locked_organisation()
    row = ScoreModel.objects.filter(version=version, state=ScoreModel.State.PUBLISHED).first()
    if row is None:
        raise ScoreRefused("Only a published version can score again.")
    if row.pk == organisation.live_score_model_id:
        raise ScoreRefused(f"{row} is live already.")
    _go_live(organisation, row, reason=f"score back to {row}: {reason}", by=by, at=at, again=again)
    return row


def check(body: Any) -> None:
    """
    Refuse a body that cannot be used.

    :raises ScoreRefused: naming the part
    """
    try:
        score_body.read(body, facts.SCORE_KINDS)
    except BadModel as bad:
        raise ScoreRefused(str(bad)) from bad


def _go_live(
    organisation: Organisation,
    row: ScoreModel,
    *,
    reason: str,
    by: User | None,
    at: datetime,
    again: bool,
) -> None:
    organisation.live_score_model = row
    trail.save(organisation, by=by, at=at, reason=reason, kind="score_live")
    # The linter holds rules against the score, so it looks again.
    RosterStamp.bump()
    definitions.take_off_signatures(reason=f"score {row}", by=by, at=at)
    if again:
        rescore.all_open(at=at)


def _locked_organisation() -> Organisation:
    rows = Organisation.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("live_score_model").get(pk=1)


def _locked_draft(*, by: User | None, at: datetime) -> ScoreModel:
    made = draft(by=by, at=at)
    return ScoreModel.objects.select_for_update(no_key=True).get(pk=made.pk)


def _part(part: str) -> str:
    if part not in PARTS:
        raise ScoreRefused(f"A score has no {part}; it has {', '.join(PARTS)}.")
    return part


def _place(lines: list[Any], name: str) -> int:
    for place, line in enumerate(lines):
        if line.get("name") == name:
            return place
    raise ScoreRefused(f"Somebody has just renamed “{name}”, or taken it out of the draft.")


def _reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not text:
        raise ScoreRefused("Say why: the reason is kept with the version.")
    return text[:LONGEST_REASON]
