"""When reps work: calendars and absences as people enter them."""

import json
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

import holidays
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reps.hours import CalendarError, calendar_for
from reps.models.tracked import TrackedModel
from reps.models.user import validate_time_zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# How many years before and after a moment public holidays are looked up for it.
HOLIDAY_YEARS = (-1, 3)


def office_hours() -> dict:
    """The hours a new calendar starts with: Monday to Friday, 9 to 17."""
    return {day: [["09:00", "17:00"]] for day in WEEKDAYS[:5]}


class WorkCalendar(TrackedModel):
    """
    A week of working hours in one time zone, with public holidays and dated exceptions.

    `weekly`, `overrides` and `breaks` have the form of `reps.hours.Calendar.from_json`.
    A calendar that is never open is refused on save.
    """

    shapes_roster = True

    name = models.CharField(_("name"), max_length=120, unique=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    weekly = models.JSONField(
        _("weekly hours"),
        default=office_hours,
        help_text=_('Per weekday a list of windows: {"mon": [["09:00", "17:00"]]}.'),
    )
    holiday_country = models.CharField(
        _("public holidays of"),
        max_length=2,
        blank=True,
        help_text=_("Country as two letters, e.g. DE. Empty: none."),
    )
    holiday_region = models.CharField(
        _("region"), max_length=10, blank=True, help_text=_("State or province, e.g. BY.")
    )
    overrides = models.JSONField(
        _("exceptions"),
        default=dict,
        blank=True,
        help_text=_('Dates with other hours: {"2026-12-24": [["09:00", "12:00"]]}; [] is closed.'),
    )
    breaks = models.JSONField(_("breaks"), default=dict, blank=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs):
        # Every roster is made from every calendar: one that cannot be read would stop them all.
        self.clean()
        super().save(**kwargs)

    def clean(self) -> None:
        super().clean()
        self.validate_holidays()
        try:
            calendar_for(self.as_json(year=timezone.now().year))
        except CalendarError as error:
            raise ValidationError({"weekly": str(error)}) from error

    def validate_holidays(self) -> None:
        if not self.holiday_country:
            return
        known = holidays.list_supported_countries()
        if self.holiday_country not in known:
            raise ValidationError(
                {"holiday_country": _("No public holidays are known for this country.")}
            )
        if self.holiday_region and self.holiday_region not in known[self.holiday_country]:
            raise ValidationError(
                {"holiday_region": _("No public holidays are known for this region.")}
            )

    def as_json(self, *, year: int) -> str:
        """Write the calendar out, with the public holidays of the years around `year`."""
        first, last = HOLIDAY_YEARS
        return json.dumps(
            {
                "timezone": self.time_zone,
                "weekly": self.weekly,
                "holidays": public_holidays(
                    self.holiday_country, self.holiday_region, year + first, year + last
                ),
                "overrides": self.overrides or {},
                "breaks": self.breaks or {},
            },
            sort_keys=True,
        )


@lru_cache(maxsize=256)
def public_holidays(country: str, region: str, first: int, last: int) -> tuple[str, ...]:
    """The public holidays of these years, both ends included, as ISO dates in order."""
    if not country:
        return ()
    found = holidays.country_holidays(country, subdiv=region or None, years=range(first, last + 1))
    return tuple(sorted(day.isoformat() for day in found))


class Absence(TrackedModel):
    """A stretch of time in which a rep is out of office, half-open: [starts_at, ends_at)."""

    shapes_roster = True

    rep = models.ForeignKey(
        "reps.Rep", verbose_name=_("rep"), on_delete=models.CASCADE, related_name="absences"
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=120, blank=True)

    class Cover(models.TextChoices):
        """What becomes of the rep's open leads meanwhile."""

        STAY = "STAY", _("Open leads stay; new ones go to the delegate")
        MOVE = "MOVE", _("Open leads move to the delegate and come back")

    delegate = models.ForeignKey(
        "reps.Rep",
        verbose_name=_("delegate"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="stands_in_for",
        help_text=_("Stands in meanwhile. Empty: the rep's backup."),
    )
    cover = models.CharField(
        _("open leads"), max_length=4, choices=Cover.choices, default=Cover.STAY
    )
    cover_started_at = models.DateTimeField(null=True, editable=False)
    cover_ended_at = models.DateTimeField(null=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="reps_absence_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep}: {self.starts_at:%Y-%m-%d} – {self.ends_at:%Y-%m-%d}"

    @property
    def is_covered(self) -> bool:
        """Whether the rep's leads have been moved for this absence and not yet moved back."""
        return self.cover_started_at is not None and self.cover_ended_at is None

    def takes_over(self) -> "models.Model | None":
        """Who stands in by this absence: its delegate, else the rep's backup."""
        return self.delegate or self.rep.backup

    def clean(self) -> None:
        super().clean()
        if not (self.starts_at and self.ends_at and self.rep_id):
            return
        if self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("The end must be after the start.")})
        self._refuse_overlap()
        self._check_delegate()

    def _refuse_overlap(self) -> None:
        others = Absence.objects.filter(
            rep_id=self.rep_id, starts_at__lt=self.ends_at, ends_at__gt=self.starts_at
        )
        other = others.exclude(pk=self.pk).first()
        if other is not None:
            raise ValidationError(
                _(
                    "%(rep)s is away from %(start)s to %(end)s already. "
                    "Change or end that absence instead."
                ),
                code="overlap",
                params={
                    "rep": self.rep,
                    "start": _local(other.starts_at),
                    "end": _local(other.ends_at),
                },
            )

    def _check_delegate(self) -> None:
        delegate = self.delegate
        if self.cover == self.Cover.MOVE and self.takes_over() is None:
            raise ValidationError(
                {"delegate": _("Choose who takes the open leads, or give this rep a backup first.")}
            )
        if self.is_covered:
            moved_to = Absence.objects.filter(pk=self.pk).values_list("delegate", flat=True).first()
            if moved_to != self.delegate_id:
                raise ValidationError(
                    {
                        "delegate": _(
                            "The open leads have moved already. End this absence and enter "
                            "another one to choose somebody else."
                        )
                    }
                )
        if delegate is None:
            return
        if delegate.pk == self.rep_id:
            raise ValidationError({"delegate": _("Nobody can stand in for themselves.")})
        if not delegate.is_active:
            raise ValidationError({"delegate": _("This rep has left; choose one who is here.")})
        if self._is_away_throughout(delegate.pk):
            raise ValidationError(
                {
                    "delegate": ValidationError(
                        _("%(rep)s is away all that time too; choose somebody else."),
                        params={"rep": delegate},
                    )
                }
            )

    def _is_away_throughout(self, rep_id: int) -> bool:
        """Whether absences without a gap cover all the time of this one."""
        reached = self.starts_at
        rows = Absence.objects.filter(
            rep_id=rep_id, starts_at__lt=self.ends_at, ends_at__gt=self.starts_at
        )
        for start, end in rows.order_by("starts_at").values_list("starts_at", "ends_at"):
            if start > reached:
                return False
            reached = max(reached, end)
        return reached >= self.ends_at


def _local(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


class CalendarFeed(TrackedModel):
    """
    A rep's own calendar at an ICS address, read again every few minutes.

    The address may hold a secret, so it is kept out of history, trail and exports, and
    pages show its `host` only.
    """

    shapes_roster = True

    rep = models.OneToOneField(
        "reps.Rep", verbose_name=_("rep"), on_delete=models.CASCADE, related_name="feed"
    )
    url = models.CharField(_("address"), max_length=1000)
    is_active = models.BooleanField(_("active"), default=True)
    next_fetch_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(_("last read"), null=True)
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(
        max_length=60, blank=True, help_text="As the server wrote it in Last-Modified."
    )
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)

    history = HistoricalRecords(
        excluded_fields=[
            "url",
            "next_fetch_at",
            "fetched_at",
            "etag",
            "modified",
            "failures",
            "error",
        ]
    )

    class Meta:
        ordering = ["rep", "pk"]
        indexes = [
            models.Index(
                fields=["next_fetch_at"],
                name="reps_feed_due",
                condition=Q(is_active=True),
            )
        ]

    def __str__(self) -> str:
        return f"Calendar of {self.rep}"

    @property
    def host(self) -> str:
        """The part of the address that may be shown."""
        return urlsplit(self.url).hostname or ""


class BusyTime(models.Model):
    """
    Time that a feed says is taken: a meeting, or out of office. Replaced at every reading.

    Only the times are kept, never what a meeting is about.
    """

    class Kind(models.TextChoices):
        MEETING = "MEETING", _("Meeting")
        OUT = "OUT", _("Out of office")

    feed = models.ForeignKey(CalendarFeed, on_delete=models.CASCADE, related_name="busy")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="reps_busy_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} – {self.ends_at:%Y-%m-%d %H:%M}"
