"""What people are told about realignments: each kind is one function here and its line below."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts import signals
from accounts.models import PlannedTerritory, TerritoryPlan
from accounts.services.plans import approval
from reps import access
from reps.models import Message, Rep, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing.messages import link

States = TerritoryPlan.State


def _plan(message: Message) -> TerritoryPlan:
    return TerritoryPlan.objects.select_related("asked_by").get(pk=message.payload["plan"])


def _about(plan: TerritoryPlan) -> str:
    return f"accounts.territoryplan:{plan.pk}"


# --- Approval ----------------------------------------------------------------------------


@receiver(signals.approval_asked, dispatch_uid="routing.realign.asked")
def ask(sender: Any, *, plan: TerritoryPlan, by: User, at: datetime, **kwargs: Any) -> None:
    outbox.put(
        [
            outbox.Draft(
                key=f"plan_asked:{plan.pk}:{at.timestamp():.6f}:{user.pk}",
                kind="territory_plan_asked",
                to=user.pk,
                payload={"plan": plan.pk, "asked_at": at.isoformat()},
                about=_about(plan),
            )
            for user in approval.approvers()
            if user.pk not in (by.pk, plan.author_id)
        ],
        at=at,
    )


def asked(message: Message) -> Text:
    plan = _plan(message)
    who = plan.asked_by.label if plan.asked_by else "Somebody"
    return Text(
        subject=f"{who} asks you to approve the realignment “{plan}”",
        body=plan.reason,
        url=link("territory_plan", plan.pk),
        action="Read it and decide",
    )


def is_still_asked(message: Message) -> bool:
    plan = TerritoryPlan.objects.filter(pk=message.payload["plan"], state=States.ASKED).first()
    return plan is not None and plan.asked_at.isoformat() == message.payload["asked_at"]


@receiver(signals.approval_answered, dispatch_uid="routing.realign.answered")
def answer(
    sender: Any,
    *,
    plan: TerritoryPlan,
    by: User,
    at: datetime,
    granted: bool,
    reason: str,
    to: int | None,
    **kwargs: Any,
) -> None:
    if to is None:
        return
    outbox.put(
        [
            outbox.Draft(
                key=f"plan_answer:{plan.pk}:{at.timestamp():.6f}",
                kind="territory_plan_answered",
                to=to,
                payload={
                    "plan": plan.pk,
                    "by": by.pk,
                    "granted": granted,
                    "reason": reason[:300],
                },
                about=_about(plan),
            )
        ],
        at=at,
    )


def answered(message: Message) -> Text:
    plan, payload = _plan(message), message.payload
    who = User.objects.filter(pk=payload["by"]).first()
    verb = "approved" if payload["granted"] else "took back"
    return Text(
        subject=f"{who.label if who else 'Somebody'} {verb} the realignment “{plan}”",
        body="It takes effect at its time." if payload["granted"] else payload["reason"],
        url=link("territory_plan", plan.pk),
        action="Open the plan",
    )


@receiver(signals.plan_stuck, dispatch_uid="routing.realign.stuck")
def say_stuck(sender: Any, *, plan: TerritoryPlan, at: datetime, **kwargs: Any) -> None:
    to = [user for user in {plan.author_id, plan.asked_by_id} if user is not None]
    outbox.put(
        [
            outbox.Draft(
                key=f"plan_stuck:{plan.pk}:{at.timestamp():.6f}:{user}",
                kind="territory_plan_stuck",
                to=user,
                payload={"plan": plan.pk},
                urgent=True,
                about=_about(plan),
            )
            for user in to
        ],
        at=at,
    )


def stuck(message: Message) -> Text:
    plan = _plan(message)
    return Text(
        subject=f"The realignment “{plan}” did not take effect as planned",
        body=plan.error,
        url=link("territory_plan", plan.pk),
        action="Open the draft",
    )


def is_stuck(message: Message) -> bool:
    rows = TerritoryPlan.objects.filter(pk=message.payload["plan"], state=States.DRAFT)
    return rows.exclude(error="").exists()


# --- Gained and lost ---------------------------------------------------------------------


@receiver(signals.plan_took_effect, dispatch_uid="routing.realign.tell")
def tell(
    sender: Any,
    *,
    plan: TerritoryPlan,
    changes: Sequence[PlannedTerritory],
    at: datetime,
    **kwargs: Any,
) -> None:
    _tell(plan, changes, at=at, undone=False)


@receiver(signals.plan_undone, dispatch_uid="routing.realign.tell_undone")
def tell_undone(
    sender: Any,
    *,
    plan: TerritoryPlan,
    changes: Sequence[PlannedTerritory],
    at: datetime,
    **kwargs: Any,
) -> None:
    _tell(plan, changes, at=at, undone=True)


def _tell(
    plan: TerritoryPlan, changes: Sequence[PlannedTerritory], *, at: datetime, undone: bool
) -> None:
    """One message per rep, whatever number of territories they gain, lose or have changed."""
    concerned = {rep for change in changes for rep in owners_of(change) if rep is not None}
    users = Rep.objects.filter(pk__in=concerned, is_active=True)
    word = "undone" if undone else "effect"
    outbox.put(
        [
            outbox.Draft(
                key=f"realigned:{plan.pk}:{word}:{rep}",
                kind="territories_realigned",
                to=user,
                payload={"plan": plan.pk, "rep": rep, "undone": undone},
                about=_about(plan),
            )
            for rep, user in users.values_list("pk", "user_id")
        ],
        at=at,
    )


def owners_of(change: PlannedTerritory) -> tuple[int | None, int | None]:
    """Who had the territory before the plan, and who after; None while it is out of service."""

    def owner(state: Mapping[str, Any] | None) -> int | None:
        return state.get("owner_id") if state and state.get("is_active", True) else None

    return owner(change.was or change.before), owner(change.became or change.after)


def realigned(message: Message) -> Text:
    plan, payload = _plan(message), message.payload
    gains, losses, others = [], [], []
    for change in plan.changes.all():
        before, after = owners_of(change)
        if payload["undone"]:
            before, after = after, before
        mine = payload["rep"]
        if after == mine != before:
            gains.append(str(change))
        elif before == mine != after:
            losses.append(str(change))
        elif mine == before == after:
            others.append(str(change))
    said = [
        f"{words} {', '.join(names)}."
        for words, names in (
            ("You get", gains),
            ("You no longer have", losses),
            ("What belongs to it has changed:", others),
        )
        if names
    ]
    title = f"“{plan}” was undone" if payload["undone"] else f"“{plan}” is in effect"
    return Text(
        subject=f"Your territories have changed: {title}",
        body=" ".join([*said, plan.undo_reason if payload["undone"] else plan.reason]),
        url=link("leads"),
        action="My leads",
    )


def has_not_turned(message: Message) -> bool:
    """Whether what it tells is still how it stands."""
    plan = TerritoryPlan.objects.filter(pk=message.payload["plan"]).first()
    return plan is not None and (plan.state == States.UNDONE) == message.payload["undone"]


def _lines(
    words: Callable[[Message, TerritoryPlan], str], *, for_all: bool = False
) -> Callable[[Sequence[Message], User], Mapping[int, str]]:
    """A line per message about a plan, for those who set up, or for whoever it went to."""

    def lines(messages: Sequence[Message], reader: User) -> Mapping[int, str]:
        if not for_all and not access.may_set_up(reader):
            return {}
        ids = {message.payload.get("plan") for message in messages} - {None}
        plans = TerritoryPlan.objects.in_bulk(ids)
        return {
            message.pk: words(message, plans[message.payload["plan"]])
            for message in messages
            if message.payload.get("plan") in plans
        }

    return lines


kinds.register(
    kinds.Kind(
        "territory_plan_asked",
        asked,
        is_still_asked,
        _lines(lambda message, plan: f"Approve the realignment “{plan}”?"),
    )
)
kinds.register(
    kinds.Kind(
        "territory_plan_answered",
        answered,
        lines=_lines(
            lambda message, plan: (
                f"The realignment “{plan}” was "
                f"{'approved' if message.payload['granted'] else 'taken back'}"
            )
        ),
    )
)
kinds.register(
    kinds.Kind(
        "territory_plan_stuck",
        stuck,
        is_stuck,
        _lines(lambda message, plan: f"The realignment “{plan}” did not take effect"),
    )
)
kinds.register(
    kinds.Kind(
        "territories_realigned",
        realigned,
        has_not_turned,
        _lines(lambda message, plan: f"Your territories have changed: “{plan}”", for_all=True),
    )
)
