"""Forms about people and their time."""

import re
import zoneinfo
from datetime import date, datetime, time, timedelta
from typing import Any

import holidays
import holidays.registry
from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reps import access
from reps.models import (
    Absence,
    ChannelChoice,
    NotificationPreference,
    Rep,
    Skill,
    Team,
    User,
    WorkCalendar,
)
from reps.models.hours import WEEKDAYS
from reps.post.channels.base import Channel
from reps.services import preferences

DAY_NAMES = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
# Windows that a weekday has room for without asking for another row.
WINDOWS = 2
MOST_WINDOWS = 6


def zone_choices() -> list[tuple[str, str]]:
    """Every time zone a person could mean, without the technical ones."""
    names = sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    )
    return [("UTC", "UTC"), *[(name, name.replace("_", " ")) for name in names]]


def country_choices() -> list[tuple[str, str]]:
    """The countries whose public holidays are known."""
    names = {
        codes[1]: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", codes[0])
        for codes in holidays.registry.COUNTRIES.values()
    }
    known = [(code, names.get(code, code)) for code in holidays.list_supported_countries()]
    return [("", _("none")), *sorted(known, key=lambda pair: pair[1])]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M", **kwargs)


def _moment(**kwargs: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        widget=MomentInput(), input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs
    )


# --- Reps --------------------------------------------------------------------------------


def _team_field(by: User) -> forms.ModelChoiceField:
    teams = Team.objects.all()
    if not access.is_revops(by):
        teams = teams.filter(pk__in=access.teams_of(by))
    return forms.ModelChoiceField(teams, label=_("Team"))


def _backups() -> Any:
    return Rep.objects.active().select_related("user")


class RepForm(forms.Form):
    """What a manager sets on a rep: team, role, hours, capacity, backup."""

    def __init__(self, *args: Any, by: User, rep: Rep | None = None, **kwargs: Any) -> None:
        if rep is not None:
            kwargs["initial"] = {
                "team": rep.team_id,
                "role": rep.role,
                "calendar": rep.calendar_id,
                "capacity": rep.capacity,
                "backup": rep.backup_id,
                "seniority": rep.seniority,
                "country": rep.country,
                "postal_code": rep.postal_code,
            }
        super().__init__(*args, **kwargs)
        self.fields["team"] = _team_field(by)
        self.fields["role"] = forms.ChoiceField(choices=Rep.Role.choices, label=_("Role"))
        self.fields["calendar"] = forms.ModelChoiceField(
            WorkCalendar.objects.all(),
            required=False,
            label=_("Working hours"),
            empty_label=_("the team's"),
        )
        self.fields["capacity"] = forms.IntegerField(
            min_value=0,
            max_value=100_000,
            initial=40,
            label=_("Capacity"),
            help_text=_("Open leads at most. Never exceeded."),
        )
        others = _backups() if rep is None else _backups().exclude(pk=rep.pk)
        self.fields["backup"] = forms.ModelChoiceField(
            others,
            required=False,
            label=_("Backup"),
            empty_label=_("nobody"),
            help_text=_("Takes over when this rep is away or late."),
        )
        self.fields["seniority"] = forms.TypedChoiceField(
            choices=Rep.Seniority.choices,
            coerce=int,
            empty_value=Rep.Seniority.UNSAID,
            required=False,
            label=_("Seniority"),
        )
        self.fields["country"] = forms.RegexField(
            r"[A-Za-z]{2}",
            required=False,
            max_length=2,
            label=_("Country"),
            help_text=_("Where the rep is, two letters, e.g. US."),
            error_messages={"invalid": _("Write the country as two letters, e.g. US.")},
        )
        self.fields["postal_code"] = forms.CharField(
            required=False,
            max_length=12,
            label=_("Postal code"),
            help_text=_("For rules that prefer whoever is nearest."),
        )

    def clean_country(self) -> str:
        return self.cleaned_data["country"].upper()


class NewRepForm(RepForm):
    """A new person: who they are, then what every rep has."""

    first_name = forms.CharField(max_length=150, label=_("First name"))
    last_name = forms.CharField(max_length=150, required=False, label=_("Last name"))
    email = forms.EmailField(label=_("E-mail"), help_text=_("The invitation goes there."))
    username = forms.CharField(
        max_length=150, label=_("User name"), validators=[UnicodeUsernameValidator()]
    )

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("Somebody has this user name already."))
        return name


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ("name", "parent", "manager", "deputy", "calendar")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parents = Team.objects.exclude(pk=self.instance.pk)
        managers = User.objects.filter(is_active=True)
        if not access.is_revops(by):
            parents = parents.filter(pk__in=access.teams_of(by))
        managers = managers.filter(
            groups__name__in=[access.MANAGER, access.ADMIN, access.REVOPS]
        ) | managers.filter(is_superuser=True)
        self.fields["parent"].queryset = parents
        self.fields["manager"].queryset = managers.distinct().order_by("first_name", "username")
        self.fields["manager"].label_from_instance = lambda user: user.label
        # Anybody may stand in; they decide requests, they manage nobody.
        self.fields["deputy"].queryset = User.objects.filter(is_active=True).order_by(
            "first_name", "last_name", "username"
        )
        self.fields["deputy"].label_from_instance = lambda user: user.label

    def clean_parent(self) -> Team | None:
        parent = self.cleaned_data["parent"]
        ancestor = parent
        while ancestor is not None:
            if ancestor.pk == self.instance.pk:
                raise forms.ValidationError(_("A team cannot be part of itself."))
            ancestor = ancestor.parent
        return parent


class PauseForm(forms.Form):
    until = _moment(required=False, label=_("Until"), help_text=_("Empty: until you resume."))
    reason = forms.CharField(
        max_length=200,
        label=_("Reason"),
        help_text=_("They see it. The turns they miss are kept for them."),
    )


class AbsenceForm(forms.ModelForm):
    """When a rep is away, who stands in, and what becomes of the open leads."""

    starts_at = _moment(label=_("From"))
    ends_at = _moment(label=_("Until"))

    class Meta:
        model = Absence
        fields = ("starts_at", "ends_at", "reason", "delegate", "cover")
        widgets = {"cover": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rep = self.instance.rep
        delegate = self.fields["delegate"]
        delegate.queryset = _backups().exclude(pk=rep.pk)
        delegate.label = _("Who stands in")
        delegate.empty_label = rep.backup and _("%(rep)s, the backup") % {"rep": rep.backup}
        delegate.empty_label = delegate.empty_label or _("nobody")
        delegate.help_text = ""


class SkillForm(forms.ModelForm):
    class Meta:
        model = Skill
        fields = ("name", "slug", "category", "criteria")


class RepSkillForm(forms.Form):
    """One skill of a rep: which, how well, how we know, when to look again."""

    skill = forms.ModelChoiceField(Skill.objects.all(), label=_("Skill"))
    level = forms.TypedChoiceField(
        choices=[
            (1, _("1 basic")),
            (2, _("2 some")),
            (3, _("3 good")),
            (4, _("4 very good")),
            (5, _("5 native, expert")),
        ],
        coerce=int,
        initial=3,
        label=_("Level"),
    )
    evidence = forms.CharField(
        max_length=200,
        required=False,
        label=_("Evidence"),
        help_text=_("A certificate, a deal, an assessment."),
    )
    review_on = forms.DateField(required=False, widget=DateInput(), label=_("Look again on"))


# --- Calendars ---------------------------------------------------------------------------


class CalendarForm(forms.ModelForm):
    """A calendar; its weekly hours are time inputs, several windows per weekday."""

    time_zone = forms.ChoiceField(choices=zone_choices, label=_("Time zone"))
    holiday_country = forms.ChoiceField(
        choices=country_choices, required=False, label=_("Public holidays of")
    )

    class Meta:
        model = WorkCalendar
        fields = ("name", "time_zone", "holiday_country", "holiday_region")

    def __init__(self, *args: Any, extra: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = max(WINDOWS, *(len(w) for w in self.instance.weekly.values()), 0)
        if self.is_bound:
            self.rows = max(self.rows, _whole(self.data.get("rows"), WINDOWS))
        self.rows = min(MOST_WINDOWS, self.rows + extra)
        self.week_errors: dict[str, str] = {}

    def days(self) -> list[dict[str, Any]]:
        """The week for the page: per weekday its name and windows, as typed or stored."""
        found = []
        for key, name in zip(WEEKDAYS, DAY_NAMES, strict=True):
            stored = self.instance.weekly.get(key, [])
            windows = []
            for number in range(self.rows):
                opens, closes = stored[number] if number < len(stored) else ("", "")
                if self.is_bound:
                    opens = self.data.get(f"{key}_from_{number}", "")
                    closes = self.data.get(f"{key}_to_{number}", "")
                windows.append(
                    {
                        "number": number,
                        "opens": opens[:5],
                        "closes": "23:59" if closes == "24:00" else closes[:5],
                    }
                )
            found.append(
                {
                    "key": key,
                    "name": name,
                    "windows": windows,
                    "error": self.week_errors.get(key, ""),
                }
            )
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.instance.weekly = self._posted_week()
        if self.week_errors:
            raise forms.ValidationError(_("Look at the weekly hours."))
        return cleaned

    def _posted_week(self) -> dict[str, list[list[str]]]:
        week: dict[str, list[list[str]]] = {}
        for key in WEEKDAYS:
            for number in range(self.rows):
                opens = self.data.get(f"{key}_from_{number}", "")[:8]
                closes = _end_of_day(self.data.get(f"{key}_to_{number}", "")[:8])
                if bool(opens) != bool(closes):
                    self.week_errors[key] = str(_("Fill in both times, or neither."))
                elif opens:
                    week.setdefault(key, []).append([opens, closes])
        return week

    def _get_validation_exclusions(self) -> set[str]:
        # The week is not a form field, yet the model must judge it.
        return super()._get_validation_exclusions() - {"weekly"}

    def add_error(self, field: str | None, error: Any) -> None:
        # The model points at its own column; the form has inputs for it instead.
        if isinstance(error, forms.ValidationError) and hasattr(error, "error_dict"):
            weekly = error.error_dict.pop("weekly", None)
            if weekly:
                super().add_error(None, weekly)
            if not error.error_dict:
                return
        super().add_error(field, error)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 4 else default


def _end_of_day(text: str) -> str:
    """Midnight as a closing time is the end of the day, whatever the input calls it."""
    return "24:00" if text in ("00:00", "00:00:00") else text


def _clock(**kwargs: Any) -> forms.TimeField:
    return forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}), **kwargs)


def _pair(opens: time, closes: time) -> list[str]:
    return [f"{opens:%H:%M}", _end_of_day(f"{closes:%H:%M}")]


# The most days that one entry of the form sets.
LONGEST_RUN = 60


class ExceptionForm(forms.Form):
    """A date, or several in a row, with other hours than its weekday: none, one or two windows."""

    day = forms.DateField(widget=DateInput(), label=_("Date"))
    last = forms.DateField(
        required=False,
        widget=DateInput(),
        label=_("Last date"),
        help_text=_("For several days in a row."),
    )
    opens = _clock(required=False, label=_("From"))
    closes = _clock(
        required=False, label=_("Until"), help_text=_("All times empty: closed that day.")
    )
    opens_again = _clock(required=False, label=_("And from"))
    closes_again = _clock(required=False, label=_("Until"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for opens, closes in (("opens", "closes"), ("opens_again", "closes_again")):
            if (cleaned.get(opens) is None) != (cleaned.get(closes) is None):
                raise forms.ValidationError(_("Fill in both times, or neither."))
        if cleaned.get("opens_again") is not None and cleaned.get("opens") is None:
            raise forms.ValidationError(_("Fill in the first times before the second."))
        day, last = cleaned.get("day"), cleaned.get("last")
        if day and last and not day <= last <= day + timedelta(days=LONGEST_RUN - 1):
            self.add_error(
                "last",
                _("Choose the first date or a later one, %(n)s days at most.") % {"n": LONGEST_RUN},
            )
        return cleaned

    def days(self) -> list[str]:
        """Every date that is meant, as calendars name them."""
        first, last = self.cleaned_data["day"], self.cleaned_data["last"]
        run = ((last or first) - first).days + 1
        return [(first + timedelta(days=number)).isoformat() for number in range(run)]

    def windows(self) -> list[list[str]]:
        pairs = [
            (self.cleaned_data[opens], self.cleaned_data[closes])
            for opens, closes in (("opens", "closes"), ("opens_again", "closes_again"))
        ]
        return [_pair(opens, closes) for opens, closes in pairs if opens is not None]


class BreakForm(forms.Form):
    """A stretch of one date in which nobody works, whatever the hours of that day."""

    day = forms.DateField(widget=DateInput(), label=_("Date"))
    opens = _clock(label=_("From"))
    closes = _clock(label=_("Until"))

    def window(self) -> list[str]:
        return _pair(self.cleaned_data["opens"], self.cleaned_data["closes"])


# --- One's own ---------------------------------------------------------------------------


class FeedForm(forms.Form):
    """The address of a rep's calendar; one that is kept already is never shown again."""

    url = forms.CharField(
        max_length=1000,
        label=_("Secret address in iCal format"),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}
        ),
        help_text=_("It starts with https:// or webcal:// and often ends in .ics."),
    )


class ChannelForm(forms.Form):
    """What one channel is used for, and where it reaches the person."""

    # What is written beside the field for the address, by the kind of address.
    ADDRESSES = {
        "webhook": (_("Webhook address"), "url", _("From %(channel)s: an incoming webhook.")),
        "phone": (_("Phone number"), "tel", _("With its country code, such as +49 30 901820.")),
    }

    mode = forms.ChoiceField(choices=ChannelChoice.Mode.choices, label=_("Used for"))
    address = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"spellcheck": "false"})
    )

    def __init__(self, *args: Any, channel: Channel, **kwargs: Any) -> None:
        super().__init__(*args, prefix=channel.name, label_suffix="", **kwargs)
        self.channel = channel
        if channel.address not in self.ADDRESSES:
            del self.fields["address"]
            return
        label, kind, help_text = self.ADDRESSES[channel.address]
        field = self.fields["address"]
        field.label, field.help_text = label, help_text % {"channel": channel.label}
        field.widget.attrs.update({"inputmode": kind, "autocomplete": "off"})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        try:
            cleaned["address"] = preferences.checked_address(
                self.channel, mode=cleaned.get("mode", ""), address=cleaned.get("address", "")
            )
        except ValueError as error:
            self.add_error("address" if "address" in self.fields else None, str(error))
        return cleaned


class QuietForm(forms.ModelForm):
    """When a person is not to be disturbed."""

    class Meta:
        model = NotificationPreference
        fields = ("quiet_from", "quiet_until", "urgent_when_quiet")
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("quiet_from", "quiet_until")
        }


class TimeZoneForm(forms.Form):
    time_zone = forms.ChoiceField(
        choices=zone_choices, label=_("Time zone"), help_text=_("Times are shown in this zone.")
    )


class AwayForm(forms.Form):
    """Until when somebody else answers for what one decides; empty: one is there."""

    away_until = forms.DateTimeField(
        label=_("Away until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_(
            "In your time zone. Until then your deputy decides requests and hears of late leads. "
            "Empty: you are there."
        ),
    )


class ChoosePasswordForm(SetPasswordForm):
    """The password an invited person chooses."""


def next_days(at: datetime, days: int) -> tuple[datetime, datetime]:
    """A first guess at an absence: from tomorrow morning for so many days."""
    start: date = timezone.localdate(at) + timedelta(days=1)
    begins = timezone.make_aware(datetime.combine(start, time(0)))
    return begins, begins + timedelta(days=days)
