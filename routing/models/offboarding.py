"""Offboarding: the plan by which a rep leaves, row by row, and what became of each."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import Rep, TrackedModel


class Way(models.TextChoices):
    """To whom what a rep leaves behind goes."""

    SUCCESSOR = "SUCCESSOR", _("one successor")
    BACKUP = "BACKUP", _("whoever is the backup")
    TERRITORY = "TERRITORY", _("the territory's owner")
    POOL = "POOL", _("a pool, in turn")
    SPLIT = "SPLIT", _("the team, to whoever has least")
    MANAGER = "MANAGER", _("whoever answers for the rep")
    ANEW = "ANEW", _("routed anew")
    NOBODY = "NOBODY", _("nobody: it ends")
    KEEP = "KEEP", _("stays for now")


class Offboarding(TrackedModel):
    """
    That a rep leaves at a moment, with a plan for everything that names them.

    PLANNED → RUNNING → DONE, and from either of the last two → UNDOING → UNDONE; a plan may be
    CANCELLED. `defaults` says per kind how its rows go; the rows are `OffboardingItem`.
    `before` is what the rep and their sign-in were like, for undoing.
    """

    class State(models.TextChoices):
        PLANNED = "PLANNED", _("Planned")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        UNDOING = "UNDOING", _("Being undone")
        UNDONE = "UNDONE", _("Undone")
        CANCELLED = "CANCELLED", _("Cancelled")

    rep = models.ForeignKey(
        Rep, verbose_name=_("rep"), on_delete=models.PROTECT, related_name="offboardings"
    )
    successor = models.ForeignKey(
        Rep,
        verbose_name=_("successor"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    reason = models.CharField(_("reason"), max_length=200)
    effective_at = models.DateTimeField(
        _("takes effect"),
        null=True,
        blank=True,
        help_text=_("Empty: when somebody starts it."),
    )
    closes_account = models.BooleanField(
        _("close their sign-in"), default=True, help_text=_("They can sign in no more.")
    )
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.PLANNED, editable=False
    )
    defaults = models.JSONField(default=dict, editable=False)
    before = models.JSONField(default=dict, editable=False)
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    acting = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text=_("Who started it, or is undoing it: the steps are done in their name."),
    )
    planned_at = models.DateTimeField(editable=False)
    approved_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When somebody let it take effect at its date.")
    )
    started_at = models.DateTimeField(null=True, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)
    undone_at = models.DateTimeField(null=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-planned_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rep"],
                condition=Q(state__in=["PLANNED", "RUNNING", "UNDOING"]),
                name="routing_one_open_offboarding_per_rep",
            )
        ]
        indexes = [
            models.Index(
                fields=["effective_at"],
                name="routing_offboarding_due",
                condition=Q(state__in=["PLANNED", "RUNNING", "UNDOING"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep}"

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do or to decide about it."""
        return self.state in (self.State.PLANNED, self.State.RUNNING, self.State.UNDOING)


class OffboardingItem(models.Model):
    """
    One thing that names the leaving rep: a row of some table, to whom it goes, what became of it.

    `before` and `after` are what the kind needs to put it back; a row is put back only if
    nobody has changed it since.
    """

    class State(models.TextChoices):
        PLANNED = "PLANNED", _("to do")
        DONE = "DONE", _("done")
        SKIPPED = "SKIPPED", _("was gone already")
        LEFT = "LEFT", _("left as it is")
        RESTORED = "RESTORED", _("put back")
        EXCEPTION = "EXCEPTION", _("not put back")

    offboarding = models.ForeignKey(Offboarding, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(max_length=30)
    position = models.PositiveSmallIntegerField(default=0)
    row_id = models.BigIntegerField()
    label = models.CharField(max_length=200)
    how = models.CharField(max_length=9, choices=Way.choices)
    to_rep = models.ForeignKey(Rep, null=True, on_delete=models.PROTECT, related_name="+")
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    own_choice = models.BooleanField(
        default=False, help_text="Chosen for this row; the kind's choice passes it by."
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    note = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["position", "label", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["offboarding", "kind", "row_id"], name="routing_offboarding_row_once"
            )
        ]
        indexes = [
            models.Index(fields=["offboarding", "state", "position"], name="routing_item_to_do")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.label}"
