"""
Pieces of the pages: icons, clocks, avatars, times. Built into every template.

    {% icon "home" %} {% icon "home" "Home" %}   an icon of static/icons.svg; with a name
    {% when dt %}                        10:42, 17 Nov 10:42 or 17 Nov 2025
    {% ago dt %}                         4 min ago
    {% clock lead %} {% clock lead "sm" %}   the lead's next promise: ring, number, words
    {% countdown due_at from_at what %}  the same for any deadline
    {% avatar who %} {% initials who %}  a user, rep or prospect
    {% tier lead %}                      Hot 92
    {% bar 31 40 %}                      a load bar: amber from 87 %, red when full
"""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

register = template.Library()

AT_RISK = 0.3
NEARLY_FULL = 0.87
# What is promised → the words under the number while there is time, and when it is late.
WORDS = {
    "ACKNOWLEDGE": (gettext_lazy("left to acknowledge"), gettext_lazy("late, acknowledge")),
    "CONTACT": (gettext_lazy("left, first contact"), gettext_lazy("late, first contact")),
    "CLAIM": (gettext_lazy("left to claim"), gettext_lazy("late, claim")),
    "ASSIGN": (gettext_lazy("left to find an owner"), gettext_lazy("late, find an owner")),
    "FOLLOW_UP": (gettext_lazy("left to follow up"), gettext_lazy("late, follow up")),
}
RING = (
    '<svg class="ring" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="15"/>'
    '<circle class="v" cx="18" cy="18" r="15" pathLength="100" stroke-dasharray="{} 100"/>'
    '<path class="bang" d="M18 10v10M18 25v.2"/>'
    '<path class="bars" d="M14.5 12.5v11M21.5 12.5v11"/></svg>'
)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon; it needs a label only where no text stands beside it."""
    role = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg class="i" {}><use href="{}#{}"></use></svg>', role, static("icons.svg"), name
    )


# --- Times -------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def when(context: template.Context, moment: datetime | None, form: str = "") -> SafeString:
    """A moment in the reader's zone, as short as today allows; `form` "time" or "full"."""
    if moment is None:
        return mark_safe("—")
    local = timezone.localtime(moment)
    today = timezone.localtime(_now(context))
    if form == "full":
        text = f"{date_format(local, 'D j M Y')}, {local:%H:%M:%S}"
    elif form == "time" or local.date() == today.date():
        text = f"{local:%H:%M:%S}" if form == "time" else f"{local:%H:%M}"
    elif abs((local.date() - today.date()).days) < 180:
        text = f"{date_format(local, 'j M')}, {local:%H:%M}"
    else:
        text = date_format(local, "j M Y")
    return _time(local, text)


@register.simple_tag(takes_context=True)
def ago(context: template.Context, moment: datetime | None) -> SafeString:
    """How long ago a moment was, or how far ahead it is, in its largest unit."""
    if moment is None:
        return mark_safe("—")
    seconds = (_now(context) - moment).total_seconds()
    text = in_words(timedelta(seconds=abs(seconds)))
    if abs(seconds) < 60:
        text = _("just now") if seconds >= 0 else _("in a moment")
    elif seconds > 0:
        text = _("%(span)s ago") % {"span": text}
    else:
        text = _("in %(span)s") % {"span": text}
    return _time(timezone.localtime(moment), text)


def _time(local: datetime, text: str) -> SafeString:
    exact = f"{date_format(local, 'l j F Y')}, {local:%H:%M:%S %Z}"
    return format_html(
        '<time class="when" datetime="{}" title="{}">{}</time>', local.isoformat(), exact, text
    )


def _now(context: template.Context) -> datetime:
    """The page's moment, read once by the view; pages without one ask this host."""
    return context.get("at") or timezone.now()


@register.filter
def in_words(span: timedelta | None) -> str:
    """A span in its largest unit, for people: 40 s, 4 min, 3 h, 2 days."""
    if span is None:
        return "—"
    seconds = int(span.total_seconds())
    if seconds < 60:
        return _("%(n)s s") % {"n": seconds}
    if seconds < 3600:
        return _("%(n)s min") % {"n": seconds // 60}
    if seconds < 86_400:
        return _("%(n)s h") % {"n": seconds // 3600}
    days = seconds // 86_400
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@register.filter
def exact(seconds: int | None) -> str:
    """A span to the second, so that spans under each other add up: 2 d 03:04:05, 0:04:12."""
    if seconds is None:
        return "—"
    days, rest = divmod(int(seconds), 86_400)
    hours, minutes = rest // 3600, f"{rest % 3600 // 60:02}:{rest % 60:02}"
    return _("%(n)s d") % {"n": days} + f" {hours:02}:{minutes}" if days else f"{hours}:{minutes}"


# --- Clocks ------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def clock(
    context: template.Context, lead: Any, size: str = "", paused_until: datetime | None = None
) -> SafeString:
    """
    The next promise about a lead: ring, number and words in one of four states.

    A lead whose clocks somebody let stand still says until when. Its holder's hours may stand
    still at the moment too: give `paused_until`, or set `rests_until` on the lead, when time
    starts to count again.
    """
    rests = getattr(lead, "rests_until", None)
    until = paused_until or (lead.paused_until if lead.due_at is None else rests)
    return _clock(context, lead.due_at, lead.due_from, lead.due_what, size, until)


@register.simple_tag(takes_context=True)
def countdown(
    context: template.Context,
    due: datetime | None,
    since: datetime | None,
    what: str = "",
    size: str = "",
    paused_until: datetime | None = None,
) -> SafeString:
    """A deadline as a clock; `what` is a promise such as ACKNOWLEDGE, or words for it."""
    return _clock(context, due, since, what, size, paused_until)


def _clock(
    context: template.Context,
    due: datetime | None,
    since: datetime | None,
    what: str,
    size: str,
    paused_until: datetime | None,
) -> SafeString:
    small = " sm" if size == "sm" else ""
    now = _now(context)
    if due is None and paused_until is not None and paused_until > now:
        return _standing(paused_until, now, small)
    if due is None:
        return format_html('<span class="clock-none muted sm">{}</span>', _("No clock"))
    left, late = WORDS.get(what, (what or _("left"), (what and _("late, %s") % what) or _("late")))
    state = clock_state(due, since, now, paused_until)
    if state == "paused":
        number, words = _("Paused"), _("until %s") % _short(paused_until, now)
        ticking = ""
    else:
        number = spell_clock((due - now).total_seconds())
        words = late if state == "breach" else left
        ticking = format_html(
            ' data-clock data-due="{}" data-from="{}" data-left="{}" data-late="{}"',
            int(due.timestamp() * 1000),
            int((since or now).timestamp() * 1000),
            left,
            late,
        )
    ring = format_html(RING, round(share_left(due, since, now) * 100))
    shown = words if not small else format_html('<span class="sr">{}</span>', words)
    tail = shown if small else format_html("<span>{}</span>", words)
    return format_html(
        '<span class="clock{} {}"{} title="{}">{}<b>{}</b>{}</span>',
        small,
        state,
        ticking,
        _("Due %s") % _short(due, now),
        ring,
        number,
        tail,
    )


def _standing(until: datetime, now: datetime, small: str) -> SafeString:
    """A clock that a person let stand still: it has no deadline before it goes on."""
    words = _("until %s") % _short(until, now)
    return format_html(
        '<span class="clock{} paused">{}<b>{}</b><span>{}</span></span>',
        small,
        format_html(RING, 0),
        _("Paused"),
        words,
    )


def clock_state(
    due: datetime, since: datetime | None, now: datetime, paused_until: datetime | None = None
) -> str:
    """ok, risk (under 30 % left), breach or paused."""
    if now >= due:
        return "breach"
    if paused_until is not None and paused_until > now:
        return "paused"
    return "risk" if share_left(due, since, now) < AT_RISK else "ok"


def share_left(due: datetime, since: datetime | None, now: datetime) -> float:
    """Which share of a promise's time is left, from 0 to 1."""
    whole = (due - (since or now)).total_seconds()
    if whole <= 0:
        return 0.0
    return min(1.0, max(0.0, (due - now).total_seconds() / whole))


def spell_clock(seconds: float) -> str:
    """41:05 left, or +4:12 late; hours and days from an hour on. static/js/app.js agrees."""
    sign = "+" if seconds < 0 else ""
    whole = int(abs(seconds))
    if whole < 3600:
        return f"{sign}{whole // 60}:{whole % 60:02}"
    if whole < 86_400:
        return f"{sign}{whole // 3600} h {whole % 3600 // 60:02}"
    return f"{sign}{whole // 86_400} d {whole % 86_400 // 3600} h"


def _short(moment: datetime, now: datetime) -> str:
    local = timezone.localtime(moment)
    if local.date() == timezone.localtime(now).date():
        return f"{local:%H:%M}"
    return f"{date_format(local, 'D j M')}, {local:%H:%M}"


# --- People and figures ------------------------------------------------------------------


@register.simple_tag
def initials(who: Any) -> str:
    """Two letters for a user, a rep or a prospect."""
    user = getattr(who, "user", who)
    return getattr(user, "initials", "") or str(who)[:2].upper()


@register.simple_tag
def avatar(who: Any, size: str = "", state: str = "") -> SafeString:
    """Initials in a disc; `size` "", "lg" or "xl", `state` a dot such as "ok" or "paused"."""
    dot = format_html('<i class="dot {}"></i>', state) if state else ""
    return format_html(
        '<span class="av {}" aria-hidden="true">{}{}</span>', size, initials(who), dot
    )


@register.simple_tag
def tier(lead: Any) -> SafeString:
    """How warm a lead is, with its score."""
    return format_html('<span class="pill">{} {}</span>', lead.get_tier_display(), lead.score)


@register.simple_tag
def bar(value: float, of: float, label: str = "", plain: bool = False) -> SafeString:
    """A bar of `value` out of `of`: amber from 87 %, red when full, unless `plain`."""
    share = value / of if of else 1.0
    state = "" if plain else "breach" if share >= 1 else "risk" if share >= NEARLY_FULL else ""
    role = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg class="bar {}" viewBox="0 0 100 8" preserveAspectRatio="none" {}>'
        '<rect class="fil" width="{}" height="8"/></svg>',
        state,
        role,
        round(min(1.0, share) * 100),
    )


@register.filter
def percent_range(found: Any) -> str:
    """A share with its range, as in "12 % (8 to 17)"."""
    return f"{found.value:.0%} ({found.low * 100:.0f} – {found.high * 100:.0f})".replace("%", " %")


@register.filter
def points_range(found: Any) -> str:
    """A difference of shares in percentage points with its range, as in "+4 (-1 to +9)"."""
    low, value, high = (f"{one * 100:+.0f}" for one in (found.low, found.value, found.high))
    return f"{value} ({low} – {high})"
