"""Territories: map, tree and table of the plan, who would get a place, and handing over."""

import json
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Territory
from accounts.services.territories import Answer, who_gets
from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only
from routing.ownership import OwnershipRefused
from routing.territories import handover, tiles, words
from routing.territories.coverage import MOST_SHOWN, coverage
from routing.territories.picture import COLOURS, NoSuchPlace, Picture, Row, picture
from routing.territory_forms import PlaceForm, ReassignForm
from routing.work import WorkRefused

COLOUR_WORDS = {
    "owner": gettext_lazy("Owner"),
    "load": gettext_lazy("Load"),
    "sla": gettext_lazy("Promises"),
    "gaps": gettext_lazy("Gaps"),
}
# Edge of a state's tile, and the space between two.
TILE, SPACE = 56, 4


@cache
def outlines() -> dict[str, Any]:
    """The countries' outlines, projected once; see `make_world_map`."""
    text = resources.files("routing.territories").joinpath("world.json").read_text("utf-8")
    return json.loads(text)


@set_up_only
def territory_map(request: HttpRequest) -> HttpResponse:
    """The plan as map, table and tree, of the world or of a place in it; and the tester."""
    try:
        drawn = picture(
            user=request.user,
            at=database_now(),
            within=request.GET.get("within", ""),
            colour=request.GET.get("colour", COLOURS[0]),
        )
    except NoSuchPlace as error:
        raise Http404("There is no such place on the map.") from error
    asked = any(request.GET.get(name) for name in PlaceForm.base_fields)
    form = PlaceForm(request.GET if asked else None)
    answers = told(who_gets(form.place())) if asked and form.is_valid() else []
    return TemplateResponse(
        request,
        "routing/territories.html",
        {
            "drawn": drawn,
            "trail": _trail(drawn),
            "colours": [
                {"name": name, "words": COLOUR_WORDS[name], "url": _address(drawn.within, name)}
                for name in COLOURS
            ],
            "map": _map(drawn),
            "rows": [_line(row, drawn) for row in drawn.rows],
            "tree": [
                {"node": node, "indent": min(node.depth, 4), "takes": words.takes(node.territory)}
                for node in drawn.tree
            ],
            "form": form,
            "asked": asked and form.is_valid(),
            "answers": answers,
            "order": words.ORDER,
            "patterns": PATTERNS,
            "nothing": not Territory.objects.exists(),
        },
    )


def told(answers: list[Answer]) -> list[dict[str, Any]]:
    """Every contender for a place, with the reason why it comes where it does."""
    found = []
    for before, one in zip([None, *answers], answers, strict=False):
        found.append(
            {
                "territory": one.territory,
                "by": words.criteria(one.contender),
                "loses": words.because(before.contender, one.contender) if before else "",
            }
        )
    return found


def _address(within: str, colour: str) -> str:
    query = {"within": within, "colour": "" if colour == COLOURS[0] else colour}
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{reverse('territories')}?{given}" if given else reverse("territories")


def _trail(drawn: Picture) -> list[tuple[str, str]]:
    """The way back up: (name, address) of what the picture is part of."""
    found = []
    if drawn.within:
        found.append((_("The world"), _address("", drawn.colour)))
    if "-" in drawn.within:
        found.append((_("United States"), _address("US", drawn.colour)))
    return found


def _line(row: Row, drawn: Picture) -> dict[str, Any]:
    return {
        "row": row,
        "url": _address(row.code, drawn.colour) if row.opens else "",
        "words": _spoken(row),
    }


def _spoken(row: Row) -> str:
    """What a screen reader says of a shape, and what hovering shows."""
    taken = (
        _("%(territory)s, %(who)s") % {"territory": row.territory, "who": row.serving.words}
        if row.territory
        else _("in no territory")
    )
    if row.inside:
        taken += ", " + _("%(n)s parts inside") % {"n": len(row.inside)}
    return _("%(name)s: %(taken)s. %(mark)s. %(n)s leads in 90 days, %(open)s open.") % {
        "name": row.name,
        "taken": taken,
        "mark": row.mark.words,
        "n": row.figures.recent,
        "open": row.figures.open,
    }


def _map(drawn: Picture) -> dict[str, Any] | None:
    """Width, height and shapes of the map; None where there is nothing to draw."""
    by_code = {row.code: row for row in drawn.rows}
    if drawn.level == "world":
        world = outlines()
        shapes = [
            {
                **_shape(by_code.get(code), code, drawn),
                "d": one["d"],
                "x": one["at"][0],
                "y": one["at"][1],
            }
            for code, one in world["countries"].items()
        ]
        small = [
            _line(row, drawn)
            for row in drawn.rows
            if row.opens and row.code not in world["countries"]
        ]
        return {
            "width": world["width"],
            "height": world["height"],
            "shapes": shapes,
            "small": small,
        }
    if drawn.level == "country":
        step = TILE + SPACE
        tiled = [
            {
                **_shape(by_code.get(f"US-{code}"), f"US-{code}", drawn),
                "left": column * step,
                "top": line * step,
                "x": column * step + TILE / 2,
                "y": line * step + TILE / 2,
                "label": code,
            }
            for code, (column, line) in sorted(tiles.TILES.items(), key=lambda one: one[1][::-1])
        ]
        return {
            "width": tiles.COLUMNS * step - SPACE,
            "height": tiles.ROWS * step - SPACE,
            "shapes": tiled,
            "small": [],
            "tile": TILE,
        }
    return None


def _shape(row: Row | None, code: str, drawn: Picture) -> dict[str, Any]:
    if row is None:
        return {"code": code, "url": "", "kind": "none", "words": "", "short": "", "reassign": ""}
    takes_over = row.territory is not None
    return {
        "code": code,
        "url": _address(code, drawn.colour),
        "kind": row.mark.kind,
        "words": _spoken(row),
        "short": row.mark.short,
        "reassign": reverse("territory_reassign", args=[row.territory.pk]) if takes_over else "",
    }


# Every kind of mark with the class of its ground and the strokes on it: eight colours in three
# patterns for owners, four steps of a scale, and what nobody has.
LINES, DOTS = "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", "M2 3h2"
CROSS = "M-1 7L7 -1M-1 -1L7 7"
PATTERNS = [
    *((f"o{number:02d}", f"g{number % 8}", ("", LINES, DOTS)[number // 8]) for number in range(24)),
    *(
        (f"s{number}", f"q{number}", strokes)
        for number, strokes in enumerate(("", DOTS, LINES, CROSS))
    ),
    ("parts", "gp", LINES),
]


@set_up_only
def territory_reassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a territory to another owner: first what it concerns, then the change."""
    row = get_object_or_404(Territory.objects.select_related("owner__user", "backup__user"), pk=pk)
    at = database_now()
    found = handover.concerned(territory=row, user=request.user, at=at)
    form = ReassignForm(request.POST or None, movable=len(found.movable))
    if request.method == "POST" and form.is_valid():
        to: Rep | None = form.cleaned_data["to"]
        seen = request.POST.get("seen_owner", "")
        try:
            moved = handover.give(
                territory_id=row.pk,
                seen_owner=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
                to=to,
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=at,
                driver="web",
                leads=found.movable if form.cleaned_data.get("move_leads") else (),
            )
        except (WorkRefused, OwnershipRefused) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request,
                ngettext(
                    "%(territory)s belongs to %(who)s now; %(n)s lead moved.",
                    "%(territory)s belongs to %(who)s now; %(n)s leads moved.",
                    moved,
                )
                % {"territory": row, "who": to or _("nobody"), "n": moved},
            )
            return redirect("territories")
    return TemplateResponse(
        request,
        "routing/territory_reassign.html",
        {"form": form, "territory": row, "found": found, "takes": words.takes(row)},
        status=422 if form.errors else 200,
    )


@set_up_only
def territory_coverage(request: HttpRequest) -> HttpResponse:
    """What the plan leaves open, each with its way out."""
    found = coverage(user=request.user, at=database_now())
    return TemplateResponse(
        request, "routing/territory_coverage.html", {"found": found, "most": MOST_SHOWN}
    )


urlpatterns = [
    path("territories/", territory_map, name="territories"),
    path("territories/coverage/", territory_coverage, name="territory_coverage"),
    path("territories/<int:pk>/reassign/", territory_reassign, name="territory_reassign"),
]
