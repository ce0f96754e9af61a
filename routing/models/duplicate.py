"""People who may be, or were found to be, the same person; and what decides about it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel
from routing.dedupe import addresses
from routing.models.lead import Lead
from routing.models.prospect import Prospect


def providers() -> list[dict[str, Any]]:
    """The rules of well-known providers that a new organisation starts with."""
    return [rule.as_json() for rule in addresses.PROVIDERS]


def shared_mailboxes() -> list[str]:
    return list(addresses.SHARED_MAILBOXES)


class DuplicatePolicy(TrackedModel):
    """
    What makes two submissions the same person, and what becomes of a duplicate: one row.

    Without the row its defaults hold. `version` counts the changes; each merge names the one
    under which it was made.
    """

    class Told(models.TextChoices):
        HAND_RAISE = "HAND_RAISE", _("when they ask to be contacted again")
        EVERY = "EVERY", _("every time")
        NEVER = "NEVER", _("never")

    class Away(models.TextChoices):
        MOVE = "MOVE", _("moves to whoever stands in")
        TELL = "TELL", _("stays; whoever stands in is told as well")
        STAY = "STAY", _("stays, and only the owner is told")

    class Keeps(models.TextChoices):
        FURTHEST = "FURTHEST", _("one with an owner, then the furthest along, then the oldest")
        OLDEST = "OLDEST", _("the oldest")
        NEWEST = "NEWEST", _("the newest")

    class Return(models.TextChoices):
        NEW = "NEW", _("is a new lead, the former owner preferred")
        REOPEN = "REOPEN", _("opens the closed lead again, with its former owner")
        IGNORE = "IGNORE", _("is noted on the closed lead, and goes no further")

    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    # who is the same person
    providers = models.JSONField(_("mail providers"), default=providers)
    tags_everywhere = models.BooleanField(
        _("ignore +tags at every provider"),
        default=False,
        help_text=_("Most treat ann+news@… as ann@…, but nothing obliges them to."),
    )
    shared_mailboxes = models.JSONField(_("shared mailboxes"), default=shared_mailboxes, blank=True)
    phone_identifies = models.BooleanField(
        _("a phone number recognises a person"),
        default=True,
        help_text=_("Until a second person turns up with it: then it is nobody's by itself."),
    )
    suggest_from = models.PositiveSmallIntegerField(
        _("suggest from"),
        default=50,
        help_text=_("Percent of confidence from which a possible duplicate is shown to people."),
    )
    # who already has an open lead
    tells = models.CharField(
        _("tell the owner"), max_length=10, choices=Told.choices, default=Told.HAND_RAISE
    )
    new_contact_clock = models.BooleanField(
        _("promise a contact anew"),
        default=True,
        help_text=_("When they ask to be contacted again. What is promised already runs on."),
    )
    when_away = models.CharField(
        _("owner away: the lead"), max_length=4, choices=Away.choices, default=Away.MOVE
    )
    # whose lead is closed
    returns = models.JSONField(_("who comes back"), default=list, blank=True)
    # two open leads of one person
    keeps = models.CharField(
        _("of two open leads stays"), max_length=8, choices=Keeps.choices, default=Keeps.FURTHEST
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("duplicate policies")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="routing_one_duplicate_policy"),
            models.CheckConstraint(
                condition=Q(suggest_from__gte=1, suggest_from__lte=100),
                name="routing_suggest_from_1_to_100",
            ),
        ]

    def __str__(self) -> str:
        return f"Duplicate policy, version {self.version}"

    def save(self, **kwargs):
        self.pk = 1
        super().save(**kwargs)

    @classmethod
    def get(cls) -> "DuplicatePolicy":
        """The policy as it stands; its defaults, not saved, before anybody changed one."""
        return cls.objects.first() or cls(pk=1)

    @property
    def rules(self) -> addresses.Rules:
        """What says which addresses are one person's."""
        return addresses.Rules.of(
            providers=self.providers,
            tags_everywhere=self.tags_everywhere,
            shared=self.shared_mailboxes,
            phone_identifies=self.phone_identifies,
        )

    def return_of(self, closed: Lead, *, days: float, raised: bool) -> str:
        """
        What becomes of somebody whose newest lead was closed so many days ago: the first row
        that fits, else a new lead. Whoever asks to be contacted is only ignored where the row
        says so.
        """
        for row in self.returns:
            words = str(row.get("words") or "").casefold()
            if (
                row["state"] == closed.state
                and (not words or words in closed.state_reason.casefold())
                and (row.get("days") is None or days <= row["days"])
                and (row["do"] != self.Return.IGNORE or not raised or row.get("even_raised"))
            ):
                return row["do"]
        return self.Return.NEW


class ProspectTrait(models.Model):
    """
    Something by which people who may be the same are found: a block of candidates, not a proof.

    Derived from the person's row, and written anew whenever that changes.
    """

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="traits")
    value = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prospect", "value"], name="routing_one_trait_of_a_kind"
            )
        ]
        indexes = [models.Index(fields=["value", "prospect"], name="routing_trait_block")]

    def __str__(self) -> str:
        return f"Trait of {self.prospect_id}"


class DuplicatePair(models.Model):
    """
    Two people who may be one: OPEN until somebody merges them or keeps them apart.

    `evidence` holds codes only; the words are made of the two rows when somebody looks. APART is
    remembered, for those who are merged into either of them too. GONE: no longer alike.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", _("To decide")
        MERGED = "MERGED", _("Merged")
        APART = "APART", _("Kept apart")
        GONE = "GONE", _("No longer alike")

    first = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="+")
    confidence = models.PositiveSmallIntegerField(help_text="Percent.")
    evidence = models.JSONField(default=list)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-confidence", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="routing_one_row_per_pair"),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="routing_pair_is_in_order"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-confidence", "id"],
                name="routing_pair_to_decide",
                condition=Q(state="OPEN"),
            ),
            models.Index(fields=["second"], name="routing_pair_of_second"),
        ]

    def __str__(self) -> str:
        return f"Pair {self.first_id}, {self.second_id}"


class Merge(models.Model):
    """
    That one person's row was merged into another's: what moved, so that it can be moved back.

    `moved` holds ids; `closed` what the leads were that gave way; `fields` what was written over
    on the row that stays (name → [before, after]), personal data, which erasure empties.
    """

    loser = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="merges_away")
    winner = models.ForeignKey(Prospect, on_delete=models.PROTECT, related_name="merges_in")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    policy_version = models.PositiveIntegerField(default=1)
    moved = models.JSONField(default=dict)
    closed = models.JSONField(default=list)
    fields = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["loser"],
                condition=Q(undone_at__isnull=True),
                name="routing_merged_into_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(loser=F("winner")), name="routing_no_merge_into_oneself"
            ),
        ]
        indexes = [models.Index(fields=["winner"], name="routing_merge_into")]

    def __str__(self) -> str:
        return f"Merge {self.pk}: {self.loser_id} into {self.winner_id}"
