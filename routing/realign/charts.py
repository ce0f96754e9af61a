"""Weekly lead flow as SVG, drawn by the server. Pure: numbers in, shapes out."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, APART = 104.0, 20.0, 1.0


def weeks(amounts: Sequence[int], *, most: int, label: str) -> SafeString:
    """
    One bar per week, the oldest first, on a scale up to `most`. The figures stand beside it in
    the page; the picture says its own in words.
    """
    step = WIDTH / max(1, len(amounts))
    shapes = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" rx=".5"/>',
        (
            (
                f"{number * step:.2f}",
                f"{HEIGHT - _height(amount, most):.2f}",
                f"{step - APART:.2f}",
                f"{_height(amount, most):.2f}",
            )
            for number, amount in enumerate(amounts)
        ),
    )
    return format_html(
        '<svg class="weeks" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        f"{WIDTH:g}",
        f"{HEIGHT:g}",
        f"{label}: {', '.join(map(str, amounts))}",
        shapes,
    )


def _height(amount: int, most: int) -> float:
    # A week with nothing keeps a line, so that weeks can be counted.
    return max(0.5, HEIGHT * amount / most) if most else 0.5
