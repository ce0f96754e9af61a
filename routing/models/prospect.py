"""The person behind a lead. Personal data, apart from everything that is tracked."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Prospect(models.Model):
    """One row per person, however many doors they come through. Deletable by erasure."""

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

    The unique constraint is what makes two doors at the same instant meet in one row.
    """

    class Kind(models.TextChoices):
        EMAIL = "EMAIL", _("e-mail")
        PHONE = "PHONE", _("phone")
        LINKEDIN = "LINKEDIN", _("LinkedIn")
        EXTERNAL = "EXTERNAL", _("id elsewhere")

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=300)

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
