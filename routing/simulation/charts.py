"""
Bars as SVG, drawn by the server: they print, need no script, and read as a list.

Colours come from classes, for the pages allow no inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, THICK, APART = 100.0, 5.0, 7.0


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of a chart: a label, both values, and their texts."""

    label: str
    live: float
    draft: float
    live_text: str = ""
    draft_text: str = ""

    @property
    def says(self) -> str:
        """The line in words, for whoever does not see it."""
        live = self.live_text or f"{self.live:g}"
        draft = self.draft_text or f"{self.draft:g}"
        return f"{self.label}: live {live}, draft {draft}"


def bars(pair: Pair, *, most: float, mark: float | None = None) -> SafeString:
    """
    Two bars, live above draft, on a scale up to `most`; `mark` draws a line, such as a cap.

    The figures stand beside it in the page, so the picture itself only has a name.
    """
    scale = WIDTH / most if most else 0.0
    shapes = format_html_join(
        "",
        '<rect class="{}" x="0" y="{}" width="{}" height="{}" rx="1"/>',
        (
            (name, f"{place * APART:g}", f"{min(WIDTH, value * scale):.2f}", f"{THICK:g}")
            for place, (name, value) in enumerate((("live", pair.live), ("draft", pair.draft)))
        ),
    )
    line = ""
    if mark is not None and most:
        x = f"{min(WIDTH, mark * scale):.2f}"
        line = format_html('<path class="mark" d="M{} 0V{}"/>', x, f"{2 * APART:g}")
    return format_html(
        '<svg class="twobars" viewBox="0 0 100 {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}{}</svg>',
        f"{APART + THICK:g}",
        pair.says,
        shapes,
        line,
    )


def chart(
    pairs: Sequence[Pair], marks: Sequence[float | None] = ()
) -> list[tuple[Pair, SafeString]]:
    """Every line with its bars, all on one scale."""
    known = [mark for mark in marks if mark is not None]
    most = max([one for pair in pairs for one in (pair.live, pair.draft)] + known, default=0.0)
    places = list(marks) or [None] * len(pairs)
    return [
        (pair, bars(pair, most=most, mark=mark)) for pair, mark in zip(pairs, places, strict=True)
    ]
