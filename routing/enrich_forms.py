"""Forms of enrichment: a provider outside, a try, and how long leads wait."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps.net.addresses import AddressRefused, place_of
from routing.enrich import fields, mapping, question
from routing.enrich.call import PORTS
from routing.enrich.providers import BY_SLUG
from routing.enrich.trying import SAMPLE
from routing.enrich.waterfall import PERSON
from routing.models import EnrichmentProvider

SENT_LABELS = {
    "email": gettext_lazy("e-mail address"),
    "email_sha256": gettext_lazy("fingerprint of the e-mail address (SHA-256)"),
    "phone": gettext_lazy("phone number"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "title": gettext_lazy("job title"),
    "linkedin_url": gettext_lazy("LinkedIn address"),
    "region": gettext_lazy("state or region"),
    "city": gettext_lazy("city"),
    "postal_code": gettext_lazy("postal code"),
}
# What an answer about a company cannot say of one of its people.
OF_PEOPLE = ("title", "seniority", "department", "authority", "language")
HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
# What the connection itself sets.
OWN_HEADERS = {"host", "content-length", "connection", "transfer-encoding", "cookie"}
MOST_HEADERS = 12


class ProviderForm(forms.ModelForm):
    """One provider outside. What is typed is kept as it was typed when something is wrong."""

    headers_text = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy(
            "A line each, such as “Authorization: Bearer ${ACME}”. ${ACME} stands for the "
            "variable ENRICHMENT_SECRET_ACME of the server; keys themselves are not kept here."
        ),
    )
    sends = forms.MultipleChoiceField(
        required=False,
        choices=list(SENT_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("About the person it is told"),
        help_text=gettext_lazy(
            "Domain, company, website and country may always be named. These may be too, once "
            "ticked; whoever is told becomes a processor of personal data."
        ),
    )
    mapping_text = forms.CharField(
        max_length=6000,
        widget=forms.Textarea(attrs={"rows": 7, "class": "mono", "spellcheck": "false"}),
        label=gettext_lazy("What the answer says where"),
        help_text=gettext_lazy(
            "A line each, such as “employees = company.size” or “technologies = tech[].name”. "
            "“confidence = score” takes how sure it is from the answer."
        ),
    )
    overwrites = forms.MultipleChoiceField(
        required=False,
        choices=[(one.name, one.label) for one in fields.ALL if one.outside],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Goes before everything else in"),
        help_text=gettext_lazy(
            "In these fields its answer counts even where the person or the account record says "
            "otherwise."
        ),
    )

    class Meta:
        model = EnrichmentProvider
        fields = (
            "name",
            "slug",
            "is_active",
            "position",
            "only_missing",
            "method",
            "url",
            "signing_secret",
            "confidence",
            "timeout",
            "retries",
            "ttl_days",
        )
        labels = {
            "url": gettext_lazy("Address"),
            "method": gettext_lazy("Asked by"),
            "signing_secret": gettext_lazy("Secret that signs"),
            "ttl_days": gettext_lazy("Days that an answer counts"),
            "is_active": gettext_lazy("Ask it about new leads"),
            "timeout": gettext_lazy("Time-out in milliseconds"),
        }
        help_texts = {
            "url": gettext_lazy(
                "Names in braces stand for the lead: https://api.example.com/v1/?domain={domain}"
            ),
            "signing_secret": gettext_lazy(
                "ACME for the variable ENRICHMENT_SECRET_ACME; empty: not signed."
            ),
        }

    field_order = (
        "name", "slug", "is_active", "position", "method", "url", "headers_text",
        "signing_secret", "sends", "mapping_text", "overwrites", "only_missing", "confidence",
        "ttl_days", "timeout", "retries",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        self.fields["slug"].required = False
        self.fields["slug"].help_text = _("Empty: made from the name.")
        if row.pk:
            self.fields["slug"].disabled = True
            self.initial.setdefault("sends", row.sends)
            self.initial.setdefault("overwrites", row.overwrites)
            self.initial["headers_text"] = "\n".join(f"{k}: {v}" for k, v in row.headers.items())
            self.initial["mapping_text"] = mapping.written(row.mapping)
        if self.is_demo:
            for name in ("method", "url", "headers_text", "signing_secret", "sends", "timeout"):
                del self.fields[name]
        else:
            self.fields["url"].required = True
            self.fields["timeout"].help_text = _("From 100 to 10,000.")
        for name, low, high in (
            ("confidence", 1, 100), ("timeout", 100, 10_000), ("retries", 0, 5),
            ("ttl_days", 1, 3650), ("position", 1, 1000),
        ):  # fmt: skip
            if name in self.fields:
                self.fields[name].validators += [MinValueValidator(low), MaxValueValidator(high)]
                self.fields[name].widget.attrs.update({"min": low, "max": high})

    @property
    def is_demo(self) -> bool:
        return self.instance.kind == EnrichmentProvider.Kind.DEMO

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("name", ""))[:40]
        if slug in BY_SLUG or slug == PERSON:
            raise forms.ValidationError(_("“%s” is the key of a provider of our own.") % slug)
        others = EnrichmentProvider.objects.exclude(pk=self.instance.pk)
        if others.filter(slug=slug).exists():
            raise forms.ValidationError(_("Another provider has the key “%s”.") % slug)
        return slug or "provider"

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        if not url:
            raise forms.ValidationError(_("Write the address that is asked."))
        parts = urlsplit(url)
        if "{" in parts.netloc:
            raise forms.ValidationError(_("Names in braces may not stand in the server's name."))
        unknown = set(question.PLACEHOLDER.findall(url)) - {*question.COMPANY, *question.PERSONAL}
        if unknown:
            known = ", ".join((*question.COMPANY, *question.PERSONAL))
            raise forms.ValidationError(
                _("There is no {%(name)s}. There are: %(known)s.")
                % {"name": sorted(unknown)[0], "known": known}
            )
        try:
            place_of(
                question.PLACEHOLDER.sub("x", url),
                inside=settings.ENRICHMENT_HOSTS_INSIDE,
                ports=PORTS,
            )
        except AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from None
        return url

    def clean_headers_text(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["headers_text"].splitlines(), start=1):
            if not line.strip():
                continue
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not HEADER.fullmatch(name) or not value.isprintable() or not value:
                raise forms.ValidationError(_("Line %s: write it as “Name: value”.") % number)
            if name.casefold() in OWN_HEADERS or not value.isascii():
                raise forms.ValidationError(_("Line %s: this header cannot be set.") % number)
            self._check_secrets(question.SECRET.findall(value))
            found[name] = value
        if len(found) > MOST_HEADERS:
            raise forms.ValidationError(_("At most %s headers.") % MOST_HEADERS)
        return found

    def clean_signing_secret(self) -> str:
        name = self.cleaned_data["signing_secret"].strip()
        self._check_secrets([name] if name else [])
        return name

    def _check_secrets(self, names: list[str]) -> None:
        for name in names:
            if name not in settings.ENRICHMENT_SECRETS:
                raise forms.ValidationError(
                    _("The server has no variable ENRICHMENT_SECRET_%s. Set it and start again.")
                    % name
                )

    def clean_mapping_text(self) -> dict[str, str]:
        try:
            return mapping.read_lines(self.cleaned_data["mapping_text"], fields.OUTSIDE)
        except mapping.MappingRefused as refused:
            raise forms.ValidationError(str(refused)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        sends = set(cleaned.get("sends") or ())
        named = set(question.PLACEHOLDER.findall(cleaned.get("url") or ""))
        for name in sorted(named & set(question.PERSONAL) - sends):
            self.add_error(
                "sends", _("The address names {%s}: tick it here, or take it out there.") % name
            )
        mapped = cleaned.get("mapping_text") or {}
        about_people = [name for name in OF_PEOPLE if name in mapped]
        if about_people and not sends and not self.is_demo:
            self.add_error(
                "mapping_text",
                _("An answer about a company cannot tell “%s” of a person: tick who it is about.")
                % about_people[0],
            )
        return cleaned

    def save(self, commit: bool = True) -> EnrichmentProvider:
        """Lay what was typed on the row; whoever calls saves it."""
        row = self.instance
        row.mapping = self.cleaned_data["mapping_text"]
        row.overwrites = self.cleaned_data["overwrites"]
        if not self.is_demo:
            row.headers = self.cleaned_data["headers_text"]
            row.sends = self.cleaned_data["sends"]
        return row


class TryForm(forms.Form):
    """About whom a provider is asked for a try."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SAMPLE:
            label = SENT_LABELS.get(name) or {
                "company": _("company"), "website": _("website"), "country": _("country"),
            }[name]  # fmt: skip
            self.fields[name] = forms.CharField(
                required=False, max_length=200, label=str(label).capitalize()
            )
        self.fields["email"].initial = "ada@example.com"


class WaitingForm(forms.Form):
    """How long leads wait, and what late data may do."""

    deadline_ms = forms.IntegerField(
        min_value=0,
        max_value=60_000,
        label=gettext_lazy("A lead waits for outside data at most (ms)"),
        help_text=gettext_lazy("Then it is routed on what is known. 0: never waits."),
    )
    hot_ms = forms.IntegerField(
        min_value=0,
        max_value=60_000,
        label=gettext_lazy("A hot lead waits at most (ms)"),
        help_text=gettext_lazy("Hand-raises, and leads whose score is hot. 0: never waits."),
    )
    reroutes = forms.BooleanField(
        required=False,
        label=gettext_lazy("Route a lead again when late data change the answer"),
        help_text=gettext_lazy(
            "Only while nobody has acknowledged it. Otherwise the difference is only shown."
        ),
    )
