"""Where leads come from: sources with their keys, and hosted forms."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.models import TrackedModel


class Mode(models.TextChoices):
    """What may happen to what comes in (design rule 1)."""

    LIVE = "LIVE", _("Live")
    BACKFILL = "BACKFILL", _("Backfill: given times, no clocks, no messages")
    SHADOW = "SHADOW", _("Shadow: decided, not done")
    TEST = "TEST", _("Test: routed, but out of every metric")


class Source(TrackedModel):
    """
    A door's owner: a form, an integration, an import. Its API key is kept as a hash only.
    """

    class Channel(models.TextChoices):
        WEB = "WEB", _("Website")
        API = "API", _("API")
        IMPORT = "IMPORT", _("Import")
        MANUAL = "MANUAL", _("By hand")
        EMAIL = "EMAIL", _("E-mail")
        LINKEDIN = "LINKEDIN", _("LinkedIn")
        EVENT = "EVENT", _("Event")
        PARTNER = "PARTNER", _("Partner")

    class Motion(models.TextChoices):
        INBOUND = "INBOUND", _("Inbound")
        OUTBOUND = "OUTBOUND", _("Outbound")

    # The key of the source of our own test leads (`routing.canary`).
    CANARY = "canary"

    slug = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    channel = models.CharField(
        _("channel"), max_length=10, choices=Channel.choices, default=Channel.WEB
    )
    motion = models.CharField(
        _("motion"), max_length=8, choices=Motion.choices, default=Motion.INBOUND
    )
    mode = models.CharField(_("mode"), max_length=8, choices=Mode.choices, default=Mode.LIVE)
    is_active = models.BooleanField(
        _("open"), default=True, help_text=_("A closed source refuses submissions.")
    )
    is_prequalified = models.BooleanField(
        _("pre-qualified"),
        default=False,
        help_text=_("Its leads are routed whatever their score."),
    )
    is_hand_raise = models.BooleanField(
        _("hand-raise"),
        default=False,
        help_text=_("Who comes this way asks to be contacted, e.g. a demo request."),
    )
    key_prefix = models.CharField(max_length=12, blank=True, editable=False)
    key_hash = models.CharField(max_length=64, blank=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key_hash"], condition=~Q(key_hash=""), name="routing_one_source_per_key"
            )
        ]

    def __str__(self) -> str:
        return self.name


# The questions a form may ask: name → what intake does with the answer is in intake/decode.
STANDARD_FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "title",
    "website",
    "country",
    "region",
    "postal_code",
    "city",
    "employees",
    "industry",
    "product_interest",
    "budget_range",
    "timeline",
    "message",
)


def default_fields() -> list[dict]:
    """The questions a new form starts with."""
    return [
        {"name": "first_name", "label": "First name", "required": True},
        {"name": "last_name", "label": "Last name", "required": True},
        {"name": "email", "label": "Work e-mail", "required": True},
        {"name": "company", "label": "Company", "required": True},
        {"name": "country", "label": "Country", "required": False},
        {"name": "message", "label": "How can we help?", "required": False},
    ]


class LeadForm(TrackedModel):
    """A hosted form at `/f/<slug>/`, embeddable elsewhere, that works without JavaScript."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, related_name="forms"
    )
    title = models.CharField(_("title"), max_length=120, default="Talk to us")
    intro = models.TextField(_("introduction"), blank=True)
    fields = models.JSONField(
        _("questions"),
        default=default_fields,
        help_text=_(
            'A list of {"name", "label", "required", "choices"}; names other than the standard '
            "ones are kept as the form's own answers and are usable in rules."
        ),
    )
    campaign = models.CharField(_("campaign"), max_length=120, blank=True)
    reveals_rep = models.BooleanField(
        _("show who will be in touch"),
        default=True,
        help_text=_("Otherwise the thank-you page stays general."),
    )
    thanks = models.TextField(
        _("thank-you text"), default="Thank you. We will be in touch shortly."
    )
    frame_hosts = models.JSONField(
        _("sites that may embed it"),
        default=list,
        blank=True,
        help_text=_('A list such as ["https://www.example.com"].'),
    )
    is_active = models.BooleanField(_("open"), default=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        super().clean()
        if not isinstance(self.fields, list) or not self.fields:
            raise ValidationError({"fields": _("A form needs at least one question.")})
        seen = set()
        for number, question in enumerate(self.fields, start=1):
            if not isinstance(question, dict) or not question.get("name"):
                raise ValidationError({"fields": _("Question %(n)s has no name.") % {"n": number}})
            if question["name"] in seen:
                raise ValidationError(
                    {"fields": _("Question %(n)s asks the same again.") % {"n": number}}
                )
            seen.add(question["name"])
        if not seen & {"email", "phone"}:
            raise ValidationError(
                {"fields": _("Ask for an e-mail address or a phone number, or nobody can answer.")}
            )
        if not isinstance(self.frame_hosts, list) or not all(
            isinstance(host, str) and host.startswith(("https://", "http://"))
            for host in self.frame_hosts
        ):
            raise ValidationError(
                {"frame_hosts": _("Write each site with https://, e.g. https://www.example.com.")}
            )
