"""Devices that a person allowed to be told by web push: adding one, and forgetting it."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction

from reps import trail
from reps.models import PushSubscription, User
from reps.post.channels.push import Push, decoded

# More than anybody carries; a loop in a browser must not fill the table.
MOST_DEVICES = 20
SECRET_BYTES = 16


class SubscriptionRefused(ValueError):
    """The browser sent no subscription that messages can be encrypted for."""


@transaction.atomic
def subscribe(
    *, user: User, endpoint: str, p256dh: str, auth: str, device: str, at: datetime
) -> PushSubscription:
    """
    Keep a device's subscription; the same one again renews its keys.

    A browser has one subscription, whoever is signed in: it goes to whom it was last given.

    :raises SubscriptionRefused: if the address may not be called, or the keys are none
    """
    _check(endpoint, p256dh, auth)
    person = _locked(user)
    before = PushSubscription.objects.select_for_update().filter(endpoint=endpoint).first()
    kept = before or PushSubscription(endpoint=endpoint, created_at=at)
    is_new = before is None or before.user_id != person.pk
    if is_new and person.push_subscriptions.count() >= MOST_DEVICES:
        raise SubscriptionRefused(f"At most {MOST_DEVICES} devices; forget one first.")
    kept.user, kept.p256dh, kept.auth, kept.device = person, p256dh, auth, device[:120]
    kept.save()
    if is_new:
        _note(person, "device_added", kept, at=at)
    return kept


@transaction.atomic
def forget(*, user: User, pk: int, at: datetime) -> bool:
    """Take a device of this person off; False if it is not theirs, or gone already."""
    person = _locked(user)
    device = person.push_subscriptions.filter(pk=pk).first()
    if device is None:
        return False
    _note(person, "device_forgotten", device, at=at)
    device.delete()
    return True


def _locked(user: User) -> User:
    """The person's own row: what happens to their devices happens one after the other."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _note(user: User, kind: str, device: PushSubscription, *, at: datetime) -> None:
    # The endpoint is a secret of the device and stays out of the trail.
    trail.note(user, kind=kind, by=user, at=at, reason_code="edited", data={"device": device.pk})


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    try:
        Push().check_address(endpoint)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(p256dh))
        if len(decoded(auth)) != SECRET_BYTES:
            raise ValueError("This secret has the wrong length.")
    except ValueError as error:
        raise SubscriptionRefused(f"This is no subscription of a browser. {error}") from error
