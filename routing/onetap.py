"""
One tap: a signed link that lets its reader acknowledge or claim one lead, in one epoch.

The token is the permission. It names who acts, on which lead, in which epoch and how, is signed
with a key of its own purpose, and is good for a day; a lead that changes hands makes it
worthless at once, because the epoch it carries has passed. Nothing is stored, so nothing can be
enumerated: whoever has no token would have to guess 256 bits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps import access
from reps.models import User
from reps.post.kinds import Act
from routing import ownership, states, work
from routing.models import Assignment, Lead
from routing.models.assignment import Reason
from routing.visibility import visible_leads
from routing.work.claim import queues_of
from routing.work.refusals import AlreadyDone

GOOD_FOR = timedelta(hours=24)
REFUSALS = (work.WorkRefused, ownership.OwnershipRefused, states.WrongState)
# With the separator that needs no escaping in addresses, and its own salt: a signature made for
# another purpose opens nothing here.
_SIGNER = {"salt": "routing.onetap", "sep": "."}

ACKNOWLEDGE, CLAIM = "acknowledge", "claim"
LABELS = {ACKNOWLEDGE: gettext_lazy("Acknowledge"), CLAIM: gettext_lazy("Claim it")}


class LinkRefused(Exception):
    """The link does nothing; the message says why and what to do instead."""


class LinkBroken(LinkRefused):
    """The link is not one of ours, or was damaged on its way."""


class LinkExpired(LinkRefused):
    """The link is older than a day."""


@dataclass(frozen=True, slots=True)
class Tap:
    """What a link stands for."""

    user_id: int
    lead_id: int
    epoch: int
    verb: str


class Outcome(StrEnum):
    """What a tap did. READY is none: it would act if it were tapped."""

    READY = "ready"
    DONE = "done"
    ALREADY = "already"
    MOVED = "moved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tap did or would do, in words for the person; nothing changed unless DONE."""

    outcome: Outcome
    words: str

    @property
    def is_done(self) -> bool:
        return self.outcome in (Outcome.DONE, Outcome.ALREADY)


def token_for(tap: Tap) -> str:
    """Return the signed form of a tap, good for a day from now."""
    signer = signing.TimestampSigner(**_SIGNER)
    return signer.sign_object([tap.user_id, tap.lead_id, tap.epoch, tap.verb])


def read(token: str) -> Tap:
    """
    Return what a token stands for.

    :raises LinkExpired: if it was signed more than a day ago
    :raises LinkBroken: if it was not signed here, for this purpose
    """
    try:
        user_id, lead_id, epoch, verb = signing.TimestampSigner(**_SIGNER).unsign_object(
            token, max_age=GOOD_FOR
        )
    except signing.SignatureExpired:
        raise LinkExpired(_("This link is more than a day old.")) from None
    except (signing.BadSignature, ValueError):
        raise LinkBroken(_("This link does not work. It may be damaged.")) from None
    if verb not in LABELS:
        # Signed here once, by a version that could do more.
        raise LinkBroken(_("This link does not work any more."))
    return Tap(user_id, lead_id, epoch, verb)


def acts_for(lead: Lead, user: User) -> tuple[Act, ...]:
    """What a person can do with a lead at one tap, now: acknowledge their own, or claim it."""
    if not user.is_active:
        return ()
    if lead.place == Lead.Place.OWNER and lead.owner.user_id == user.pk:
        return () if lead.acknowledged_at else (_act(lead, user, ACKNOWLEDGE),)
    if lead.place == Lead.Place.QUEUE and (rep := access.rep_of(user)) is not None:
        may_claim = rep.is_active and queues_of(rep).filter(pk=lead.queue_id).exists()
        return (_act(lead, user, CLAIM),) if may_claim else ()
    return ()


def _act(lead: Lead, user: User, verb: str) -> Act:
    token = token_for(Tap(user.pk, lead.pk, lead.owner_epoch, verb))
    url = settings.BASE_URL + reverse("onetap", args=[token])
    return Act(name=verb, label=str(LABELS[verb]), url=url, token=token)


def lead_shown(tap: Tap) -> tuple[Lead | None, bool]:
    """
    The lead as far as the person may see it now, and whether with the person behind it.

    None once it is neither theirs nor claimable: a link that was passed on, or kept, shows
    nothing of a lead that has moved on.
    """
    user = _person(tap)
    if user is None:
        return None, False
    rows = Lead.objects.select_related("prospect", "account", "source", "queue")
    if tap.verb == CLAIM and (rep := access.rep_of(user)) is not None:
        lead = rows.filter(pk__in=work.claimable(rep).filter(pk=tap.lead_id).values("pk")).first()
        if lead is not None:
            return lead, False
    seen = visible_leads(user).filter(pk=tap.lead_id, owner__user=user)
    return rows.filter(pk__in=seen.values("pk")).first(), True


def standing(tap: Tap) -> Answer:
    """What the tap would do now. Changes nothing: mail scanners open links."""
    user = _person(tap)
    if user is None:
        return _not_active()
    lead = Lead.objects.select_related("owner").filter(pk=tap.lead_id).first()
    if lead is None:
        return _moved()
    if lead.owner_epoch != tap.epoch:
        return _claimed_before(tap, user) or _moved()
    if tap.verb == ACKNOWLEDGE and lead.acknowledged_at is not None:
        return _already_acknowledged()
    return Answer(Outcome.READY, "")


def act(tap: Tap, *, at: datetime, driver: str) -> Answer:
    """
    Do what the link stands for, as the person it was made for; a second tap finds it done.

    A refusal is an answer, not an error: the caller has it to tell.
    """
    user = _person(tap)
    if user is None:
        return _not_active()
    step = {"lead_id": tap.lead_id, "epoch": tap.epoch, "by": user, "at": at, "driver": driver}
    try:
        if tap.verb == CLAIM:
            work.claim(**step)
            return Answer(Outcome.DONE, _("Claimed: the lead is yours. Contact them soon."))
        work.acknowledge(**step)
        return Answer(Outcome.DONE, _("Acknowledged: the lead is yours to contact."))
    except AlreadyDone:
        return _already_acknowledged()
    except ownership.EpochPassed:
        return _claimed_before(tap, user) or _moved()
    except REFUSALS as refused:
        return Answer(Outcome.REFUSED, str(refused))


def _person(tap: Tap) -> User | None:
    return User.objects.filter(pk=tap.user_id, is_active=True).first()


def _claimed_before(tap: Tap, user: User) -> Answer | None:
    """A claim that succeeded has ended the epoch it was made in; that is no other's doing."""
    mine = Assignment.objects.filter(
        lead=tap.lead_id,
        epoch=tap.epoch + 1,
        rep__user=user,
        reason_code=Reason.CLAIMED,
        ended_at__isnull=True,
    )
    if tap.verb == CLAIM and mine.exists():
        return Answer(Outcome.ALREADY, _("You have claimed this lead already. It is yours."))
    return None


def _already_acknowledged() -> Answer:
    return Answer(Outcome.ALREADY, _("You have acknowledged this lead already."))


def _moved() -> Answer:
    return Answer(
        Outcome.MOVED,
        _("This lead has moved on since the message was sent: somebody else has it now."),
    )


def _not_active() -> Answer:
    return Answer(Outcome.REFUSED, _("This login is not active any more. Ask your manager."))
