"""Versions of the territories: realignments that are drafted, approved, in effect, undone."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel


class TerritoryPlan(TrackedModel):
    """
    A set of changes of territories that take effect together, at one moment.

    What it changes are its `PlannedTerritory` rows; the live territories stay as they are
    until then. At most one plan is the latest in effect; it is the one that can be undone, and
    the one before it takes its place then.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        ASKED = "ASKED", _("Waits for approval")
        SCHEDULED = "SCHEDULED", _("Approved, takes effect at its time")
        IN_EFFECT = "IN_EFFECT", _("In effect")
        SUPERSEDED = "SUPERSEDED", _("Superseded by a later plan")
        UNDONE = "UNDONE", _("Undone")

    class Leads(models.TextChoices):
        STAY = "STAY", _("Open leads stay with whoever holds them")
        UNSEEN = "UNSEEN", _("Open leads that nobody has acknowledged move")
        ALL = "ALL", _("All open leads move")

    name = models.CharField(_("name"), max_length=120)
    reason = models.CharField(
        _("why"),
        max_length=300,
        help_text=_("Whoever approves it and whoever it concerns reads this."),
    )
    leads = models.CharField(
        _("open leads"), max_length=6, choices=Leads.choices, default=Leads.STAY
    )
    effective_at = models.DateTimeField(
        _("takes effect"), null=True, blank=True, help_text=_("Empty: as soon as it is approved.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    drafted_at = models.DateTimeField(_("drafted"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    digest = models.CharField(
        max_length=64, blank=True, help_text="Of what was asked for and approved."
    )
    due_at = models.DateTimeField(null=True)
    took_effect_at = models.DateTimeField(_("took effect"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=300, blank=True)
    # What undoing left as it was: [territory id, field or "", why].
    exceptions = models.JSONField(default=list, blank=True)
    error = models.CharField(max_length=500, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-drafted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state="IN_EFFECT"),
                name="accounts_one_plan_in_effect",
            ),
            models.CheckConstraint(
                condition=Q(state="SCHEDULED", due_at__isnull=False)
                | (~Q(state="SCHEDULED") & Q(due_at__isnull=True)),
                name="accounts_approved_plan_is_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="accounts_plan_due",
                condition=Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT


class PlannedTerritory(TrackedModel):
    """
    What a plan does to one territory.

    `before` is the live territory as it was when the change was planned (None: it is to be
    made), `after` as it shall be; only the fields in which they differ are written, so that
    what others change meanwhile is kept, or found to be a conflict. `was` and `became` are its
    state around the moment of effect, for undoing. All four map every column but the id.

    `territory` is an id, no foreign key: a plan must not keep anybody from deleting one. A
    territory to be made has none before the effect; inside the plan it goes by minus the id
    of this row.
    """

    plan = models.ForeignKey(TerritoryPlan, on_delete=models.CASCADE, related_name="changes")
    territory = models.BigIntegerField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField()
    was = models.JSONField(null=True)
    became = models.JSONField(null=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("planned territories")
        ordering = ["plan", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "territory"], name="accounts_territory_once_per_plan"
            )
        ]

    def __str__(self) -> str:
        return self.after.get("name", "")

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def key(self) -> int:
        """By what the plan knows the territory: its id, or minus that of this row."""
        return -self.pk if self.is_new else self.territory

    @property
    def changed(self) -> list[str]:
        """The columns that the plan writes."""
        before = self.before or {}
        return [name for name, value in self.after.items() if before.get(name, ...) != value]
