"""Bands against outcomes as SVG, drawn by the server. The table beside it says the figures."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from routing.scoring.calibration import Band

WIDE, HIGH, LEFT, FOOT, TOP = 640, 240, 40, 34, 10
GRID = (0, 25, 50, 75, 100)


def columns(bands: Sequence[Band]) -> SafeString:
    """A column for each band: the share won, with its 95 % interval; bands without leads empty."""
    room, step = HIGH - FOOT - TOP, (WIDE - LEFT) / max(1, len(bands))

    def y(share: float) -> float:
        return TOP + room * (1 - share)

    lines = format_html_join(
        "",
        '<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}">{} %</text>',
        (
            (LEFT, f"{y(part / 100):.1f}", WIDE, LEFT - 6, f"{y(part / 100) + 4:.1f}", part)
            for part in GRID
        ),
    )
    drawn = []
    for place, band in enumerate(bands):
        x = LEFT + step * (place + 0.5)
        share = band.won_share
        if share is not None:
            drawn.append(
                format_html(
                    '<rect class="won{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>'
                    '<path class="span" d="M{} {}V{}"/>',
                    " few" if band.is_small else "",
                    f"{x - step * 0.32:.1f}",
                    f"{y(share.value):.1f}",
                    f"{step * 0.64:.1f}",
                    f"{room * share.value:.1f}",
                    f"{x:.1f}",
                    f"{y(share.high):.1f}",
                    f"{y(share.low):.1f}",
                )
            )
        drawn.append(
            format_html(
                '<text class="name" x="{}" y="{}">{}–{}</text>'
                '<text class="n" x="{}" y="{}">n={}</text>',
                f"{x:.1f}",
                HIGH - FOOT + 16,
                band.low,
                band.high,
                f"{x:.1f}",
                HIGH - 4,
                band.leads,
            )
        )
    return format_html(
        '<svg class="bands" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>',
        WIDE,
        HIGH,
        _("Share of leads won by score on arrival; the table says the figures"),
        lines,
        format_html_join("", "{}", ((one,) for one in drawn)),
    )
