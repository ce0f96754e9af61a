"""Contest a lead or an account, answer a claim, take one back."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Account, AccountOwner
from reps import access, trail
from reps.models import Rep, User
from routing import ownership
from routing.disputes import telling
from routing.disputes.deciders import deadline, decider_of
from routing.disputes.refusals import DisputeRefused
from routing.models import Dispute, Lead
from routing.owners import claims
from routing.privacy.marks import masked
from routing.privacy.registry import unnamed
from routing.visibility import contestable_leads
from routing.work.refusals import NotYours, reason_given

Kind, State = Dispute.Kind, Dispute.State


@transaction.atomic
def contest_lead(
    *, lead_id: int, claimant: Rep, ground: str, claim: str, by: User, at: datetime
) -> Dispute:
    """
    Say that a lead should be this rep's. Its present owner keeps it, and every clock runs on.

    :raises routing.work.NotYours: for somebody who may not speak for the rep, or may not contest
    :raises DisputeRefused: if it is theirs already, closed, or contested already
    """
    text = reason_given(claim)
    _speaks_for(by, claimant)
    lead = ownership.lock_leads([lead_id]).get(lead_id)
    if lead is None or not contestable_leads(by).filter(pk=lead_id).exists():
        raise NotYours(_("This lead is not one that you may contest."))
    if lead.place not in (Lead.Place.OWNER, Lead.Place.QUEUE):
        raise DisputeRefused(_("This lead rests or is closed: there is nothing to win."))
    if lead.owner_id == claimant.pk:
        raise DisputeRefused(_("%(rep)s has this lead already.") % {"rep": claimant})
    _not_open_already(Dispute.objects.filter(kind=Kind.LEAD, lead=lead))
    dispute = Dispute(
        kind=Kind.LEAD,
        lead=lead,
        account=lead.account,
        claim=unnamed(text, lead.prospect)[:500],
        policy=claims.of_lead(lead, at=at).as_json(),
    )
    return _open(dispute, claimant, lead.owner, ground=ground, by=by, at=at)


@transaction.atomic
def contest_account(
    *, account_id: int, claimant: Rep, ground: str, claim: str, by: User, at: datetime
) -> Dispute:
    """
    Say that an account should be this rep's. Its present owner keeps it until the ruling.

    :raises routing.work.NotYours: for somebody who may not speak for the rep
    :raises DisputeRefused: if it is theirs already, or contested already
    """
    text = reason_given(claim)
    _speaks_for(by, claimant)
    rows = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("parent")
    account = rows.filter(pk=account_id, is_active=True).first()
    if account is None:
        raise DisputeRefused(_("This account is not in use."))
    holder = holder_of(account, at=at)
    if holder is not None and holder.pk == claimant.pk:
        raise DisputeRefused(_("%(rep)s holds this account already.") % {"rep": claimant})
    _not_open_already(Dispute.objects.filter(kind=Kind.ACCOUNT, account=account))
    dispute = Dispute(
        kind=Kind.ACCOUNT,
        account=account,
        claim=masked(text)[:500],
        policy=claims.of_account(account, at=at).as_json(),
    )
    return _open(dispute, claimant, holder, ground=ground, by=by, at=at)


def holder_of(account: Account, *, at: datetime) -> Rep | None:
    """Whose named account it is now."""
    today = at.date()
    row = (
        AccountOwner.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=today),
            account=account,
            role=AccountOwner.Role.OWNER,
            starts_on__lte=today,
        )
        .select_related("rep__user", "rep__team")
        .order_by("-starts_on", "-pk")
        .first()
    )
    return row.rep if row else None


def _open(
    dispute: Dispute, claimant: Rep, holder: Rep | None, *, ground: str, by: User, at: datetime
) -> Dispute:
    dispute.claimant, dispute.holder, dispute.ground = claimant, holder, ground
    dispute.opened_by, dispute.opened_at = by, at
    dispute.decider = decider_of(claimant, holder, opened_by=by, at=at)
    dispute.decide_by = deadline(dispute.decider, at)
    trail.save(dispute, by=by, at=at, reason="opened", kind="opened")
    telling.opened(dispute, by=by, at=at)
    return dispute


def _speaks_for(by: User, claimant: Rep) -> None:
    if not claimant.is_active:
        raise DisputeRefused(_("%(rep)s has left.") % {"rep": claimant})
    if claimant.user_id != by.pk and not access.manages(by, claimant):
        raise NotYours(_("You may claim for yourself, and for reps of your teams."))


def _not_open_already(rows) -> None:
    present = rows.filter(state=State.OPEN).first()
    if present is not None:
        raise DisputeRefused(
            _("It is contested already, in dispute %(n)s; wait for its ruling.") % {"n": present.pk}
        )


@transaction.atomic
def reply(*, dispute_id: int, text: str, by: User, at: datetime) -> Dispute:
    """
    State the holder's claim, for the holder or whoever manages them.

    :raises routing.work.NotYours: for anybody else
    :raises DisputeRefused: once it is decided
    """
    said = reason_given(text)
    dispute = locked(dispute_id)
    holder = dispute.holder
    if holder is None or (holder.user_id != by.pk and not access.manages(by, holder)):
        raise NotYours(_("Only whoever holds it states the other claim."))
    dispute.reply, dispute.replied_by = _masked(dispute, said)[:500], by
    trail.save(dispute, by=by, at=at, reason="replied", kind="replied")
    return dispute


@transaction.atomic
def withdraw(*, dispute_id: int, by: User, at: datetime) -> Dispute:
    """
    Take a claim back: it stays where it is.

    :raises routing.work.NotYours: for anybody but the claimant and who opened it
    """
    dispute = locked(dispute_id)
    if by.pk not in (dispute.claimant.user_id, dispute.opened_by_id):
        raise NotYours(_("Only whoever claims it takes the claim back."))
    dispute.state, dispute.decided_at, dispute.decided_by = State.WITHDRAWN, at, by
    dispute.winner = dispute.holder
    trail.save(dispute, by=by, at=at, reason="withdrawn", kind="withdrawn")
    telling.decided(dispute, by=by, at=at)
    return dispute


def locked(dispute_id: int) -> Dispute:
    """
    Return an open dispute, its lead and then itself locked.

    :raises DisputeRefused: once it is decided
    """
    about = Dispute.objects.filter(pk=dispute_id).values_list("lead_id", "account_id").first()
    if about is not None and about[0] is not None:
        ownership.lock_leads([about[0]])
    elif about is not None:
        list(Account.objects.select_for_update(no_key=True).filter(pk=about[1]))
    dispute = (
        Dispute.objects.select_for_update(no_key=True, of=("self",))
        .select_related(
            "claimant__user", "holder__user", "decider", "decided_by", "account", "lead__prospect"
        )
        .filter(pk=dispute_id)
        .first()
    )
    if dispute is None:
        raise DisputeRefused(_("There is no such dispute."))
    if not dispute.is_open:
        raise DisputeRefused(
            _("It is decided already: %(state)s.") % {"state": dispute.get_state_display().lower()}
        )
    return dispute


def _masked(dispute: Dispute, text: str) -> str:
    return unnamed(text, dispute.lead.prospect) if dispute.lead else masked(text)
