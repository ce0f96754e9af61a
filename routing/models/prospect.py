"""The person behind a lead. Personal data, apart from everything that is tracked."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Prospect(models.Model):
    """
    One row per person, however many doors they come through. Deletable by erasure.

    A merged row points to the one that stands for the person (`merged_into`); it keeps what it
    said, so that the merge can be undone, and has neither keys nor leads meanwhile.
    """

    first_name = models.CharField(_("first name"), max_length=120, blank=True)
    last_name = models.CharField(_("last name"), max_length=120, blank=True)
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    linkedin_url = models.CharField(_("LinkedIn"), max_length=300, blank=True)
    title = models.CharField(_("job title"), max_length=160, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)
    website = models.CharField(_("website"), max_length=300, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    region = models.CharField(_("state or region"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    created_at = models.DateTimeField()
    legal_hold = models.CharField(
        _("legal hold"),
        max_length=200,
        blank=True,
        help_text=_("Why this person's data may be neither erased nor deleted by age."),
    )
    erased_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.PROTECT, related_name="merged"
    )
    # When to look for others who may be the same person; empty: looked at since it last changed.
    compare_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")),
                name="routing_nobody_is_merged_into_themselves",
            )
        ]
        indexes = [
            models.Index(
                fields=["compare_at", "id"],
                name="routing_prospect_to_compare",
                condition=Q(compare_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What to call the person: the name, or what else is known."""
        if self.erased_at is not None:
            return str(_("Erased person"))
        full = f"{self.first_name} {self.last_name}".strip()
        return full or self.email or self.phone or self.company or str(_("Unknown person"))

    @property
    def initials(self) -> str:
        words = self.name.replace("@", " ").split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()


class ProspectKey(models.Model):
    """
    A normalised address by which a person is recognised; each leads to one person only.

    The unique constraint is what makes two doors at the same instant meet in one row. MAILBOX is
    an e-mail address as its provider reads it (see `routing.dedupe.addresses`), and recognises
    only while the provider's rule is on. SHARED is an address that several people use, together
    with a name. A number with `is_weak` recognises nobody by itself: it turned out to be several
    people's. `origin` is whose key it was before people were merged.
    """

    class Kind(models.TextChoices):
        EMAIL = "EMAIL", _("e-mail")
        MAILBOX = "MAILBOX", _("mailbox, as its provider reads it")
        PHONE = "PHONE", _("phone")
        LINKEDIN = "LINKEDIN", _("LinkedIn")
        EXTERNAL = "EXTERNAL", _("id elsewhere")
        SHARED = "SHARED", _("shared address and name")

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=300)
    is_weak = models.BooleanField(default=False)
    origin = models.ForeignKey(
        Prospect, null=True, on_delete=models.PROTECT, related_name="keys_given"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="routing_one_person_per_address")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.prospect_id}"


class Erasure(models.Model):
    """
    That a person's data was erased: when, by whom, how much. Ids and counts only.

    Each is also written to the erasure ledger, a file outside of the backups, and done again
    after a restore, before anything is served.
    """

    prospect = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="erasures")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200)
    counts = models.JSONField(default=dict)
    ledgered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"Erasure of {self.prospect_id}"
