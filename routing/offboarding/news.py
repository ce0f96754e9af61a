"""What people hear when somebody leaves: what is theirs now, and what waits for them."""

from collections.abc import Sequence
from datetime import datetime

from reps.models import Message, Rep, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing.messages import link
from routing.models import Offboarding, OffboardingItem
from routing.offboarding import registry

TAKEN_OVER, GIVEN_BACK, STUCK = "taken_over", "given_back", "offboarding_stuck"
State = OffboardingItem.State


def tell_receivers(row: Offboarding, *, at: datetime) -> None:
    """One message to each who got something, with how much of what."""
    _tell(row, state=State.DONE, kind=TAKEN_OVER, at=at)


def tell_of_undoing(row: Offboarding, *, at: datetime) -> None:
    """One message to each who gave something back."""
    _tell(row, state=State.RESTORED, kind=GIVEN_BACK, at=at)


def tell_planner(row: Offboarding, *, at: datetime) -> None:
    """The plan could not start by itself."""
    outbox.put(
        [
            outbox.Draft(
                key=f"offboarding-{row.pk}-stuck-{int(at.timestamp())}",
                kind=STUCK,
                to=row.planned_by_id,
                payload={"offboarding": row.pk},
                about=f"routing.offboarding:{row.pk}",
            )
        ],
        at=at,
    )


def _tell(row: Offboarding, *, state: str, kind: str, at: datetime) -> None:
    got: dict[int, dict[str, int]] = {}
    users = dict(Rep.objects.values_list("pk", "user_id"))
    items = row.items.filter(state=state).values_list("kind", "to_rep_id", "to_user_id")
    for what, rep, user in items:
        to = users.get(rep) if rep else user
        if to is not None and to != row.planned_by_id:
            mine = got.setdefault(to, {})
            mine[what] = mine.get(what, 0) + 1
    outbox.put(
        [
            outbox.Draft(
                key=f"offboarding-{row.pk}-{kind}-{to}",
                kind=kind,
                to=to,
                payload={"rep": row.rep_id, "counts": counts},
                about=f"routing.offboarding:{row.pk}",
            )
            for to, counts in sorted(got.items())
        ],
        at=at,
    )


def _counted(payload: dict) -> str:
    labels = {kind.name: str(kind.label) for kind in registry.kinds()}
    return "\n".join(
        f"{labels.get(kind, kind)}: {number}" for kind, number in sorted(payload["counts"].items())
    )


def _leaver(message: Message) -> str:
    return str(Rep.objects.select_related("user").get(pk=message.payload["rep"]))


def taken_over(message: Message) -> Text:
    return Text(
        subject=f"You take over from {_leaver(message)}",
        body=_counted(message.payload),
        url=link("leads"),
        action="Open my leads",
    )


def given_back(message: Message) -> Text:
    return Text(
        subject=f"{_leaver(message)} is back",
        body="This went back to them:\n" + _counted(message.payload),
        url=link("leads"),
        action="Open my leads",
    )


def stuck(message: Message) -> Text:
    row = Offboarding.objects.select_related("rep__user").get(pk=message.payload["offboarding"])
    return Text(
        subject=f"{row.rep} could not be offboarded",
        body="Something of theirs has nobody to go to. Choose who gets it, then start it again.",
        url=link("offboarding", row.pk),
        action="Open the plan",
    )


def lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
    reps = {
        rep.pk: str(rep)
        for rep in Rep.objects.select_related("user").filter(
            pk__in=[message.payload.get("rep") for message in messages]
        )
    }
    words = {TAKEN_OVER: "You take over from {rep}", GIVEN_BACK: "{rep} is back"}
    return {
        message.pk: words.get(message.kind, "An offboarding waits for you").format(
            rep=reps.get(message.payload.get("rep"), "?")
        )
        for message in messages
    }


kinds.register(kinds.Kind(TAKEN_OVER, taken_over, lines=lines))
kinds.register(kinds.Kind(GIVEN_BACK, given_back, lines=lines))
kinds.register(kinds.Kind(STUCK, stuck, lines=lines))
