"""Customer companies, the keys by which a lead finds them, and their open deals."""

from collections.abc import Sequence

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.matching import Candidate, blocking
from accounts.matching.prepared import Account as Prepared
from reps.models import Rep, TrackedModel


class Account(TrackedModel):
    """
    A company that can buy. Leads match it by domain or by normalised legal name.

    Its `AccountKey` rows follow every save, so that a look-up is one indexed read.
    """

    name = models.CharField(_("name"), max_length=200)
    domain = models.CharField(
        _("web domain"), max_length=200, blank=True, help_text=_("e.g. example.com")
    )
    further_domains = models.JSONField(
        _("further web domains"),
        default=list,
        blank=True,
        help_text=_("A list of domains of the same company, e.g. of its other countries."),
    )
    aliases = models.JSONField(
        _("other names"),
        default=list,
        blank=True,
        help_text=_("A list of names that mean the same company."),
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("parent company"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
    )
    industry = models.CharField(_("industry"), max_length=80, blank=True)
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    revenue = models.DecimalField(
        _("yearly revenue"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters."))
    region = models.CharField(_("state or region"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    external_id = models.CharField(
        _("id elsewhere"),
        max_length=80,
        blank=True,
        help_text=_("The id in the CRM or in the file it was imported from."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~Q(external_id=""),
                name="accounts_one_account_per_external_id",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs):
        with transaction.atomic():
            super().save(**kwargs)
            self.refresh_keys()

    def refresh_keys(self) -> None:
        """Bring the look-up keys in line with the name, the aliases and the domain."""
        rekey([self])


class AccountKey(models.Model):
    """
    Something by which a lead finds an account; derived (`matching.blocking`), never edited.

    The rows of kind WORD also say how rare a word is among the accounts.
    """

    class Kind(models.TextChoices):
        DOMAIN = blocking.DOMAIN, _("domain")
        NAME = blocking.NAME, _("name")
        WORD = blocking.WORD, _("word of a name")
        ACRONYM = blocking.ACRONYM, _("initials")
        SOUND = blocking.SOUND, _("consonants")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=blocking.LONGEST)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "value"], name="accounts_one_key_once"
            )
        ]
        # Counting and reading keys need nothing but this index.
        indexes = [models.Index(fields=["kind", "value", "account"], name="accounts_key_lookup")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def identity_of(account: Account) -> Candidate:
    """Give what matching knows of an account by itself."""
    return Candidate(
        account_id=account.pk,
        name=account.name,
        domains=tuple(text for text in (account.domain, *account.further_domains) if text),
        aliases=tuple(account.aliases),
        city=account.city,
        state=account.region,
        country=account.country,
        parent_id=account.parent_id,
    )


def rekey(accounts: Sequence[Account]) -> int:
    """
    Bring the keys of saved accounts in line; return how many rows were added or taken away.

    At most three statements for any number of accounts. Writes nothing that is right already.
    """
    wanted = {
        (account.pk, kind, value)
        for account in accounts
        for kind, value in blocking.keys_of_account(Prepared(identity_of(account)))
    }
    present = {
        (account, kind, value): pk
        for pk, account, kind, value in AccountKey.objects.filter(
            account__in=[account.pk for account in accounts]
        ).values_list("pk", "account_id", "kind", "value")
    }
    stale = [pk for place, pk in present.items() if place not in wanted]
    if stale:
        AccountKey.objects.filter(pk__in=stale).delete()
    missing = sorted(wanted - present.keys())
    AccountKey.objects.bulk_create(
        [AccountKey(account_id=pk, kind=kind, value=value) for pk, kind, value in missing],
        ignore_conflicts=True,
    )
    return len(stale) + len(missing)


class Opportunity(TrackedModel):
    """A deal with an account. While it is open, its owner answers for the account's leads."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("Open")
        WON = "WON", _("Won")
        LOST = "LOST", _("Lost")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="opportunities"
    )
    owner = models.ForeignKey(
        Rep, verbose_name=_("owner"), on_delete=models.PROTECT, related_name="opportunities"
    )
    name = models.CharField(_("name"), max_length=200)
    state = models.CharField(_("state"), max_length=4, choices=State.choices, default=State.OPEN)
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2, null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("opportunities")
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_at__isnull=True)
                | (~Q(state="OPEN") & Q(closed_at__isnull=False)),
                name="accounts_closed_deal_has_a_date",
            )
        ]
        indexes = [
            models.Index(fields=["account"], name="accounts_open_deal", condition=Q(state="OPEN"))
        ]

    def __str__(self) -> str:
        return self.name
