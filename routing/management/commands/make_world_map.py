"""Make the outlines of the map of territories: done once, its result is in the repository."""

import json
import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from accounts.geography import country_code

WIDTH = 960
TOP_LATITUDE = 83.7
# In units of the drawing: finer bends are left out, and islands smaller than this area.
FINEST, SMALLEST = 0.35, 0.4
# The polynomial of the Equal Earth projection (Šavrič, Patterson and Jenny, 2018).
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796
# The file names three outlines in its own way.
ODD = {"CS-KM": "XK", "Somaliland": "SO", "Northern Cyprus": "CY"}
TO = Path("routing/territories/world.json")

Point = tuple[float, float]


class Command(BaseCommand):
    help = "Project countries.geojson (johan/world.geo.json, Unlicense) into routing/territories."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("geojson", type=Path)
        parser.add_argument("--to", type=Path, default=TO)

    def handle(self, geojson: Path, to: Path, **options: Any) -> None:
        rings: dict[str, list[list[Point]]] = {}
        for feature in json.loads(geojson.read_text("utf-8"))["features"]:
            code = _code(feature)
            if code is None or code == "AQ":
                continue
            shape = feature["geometry"]
            parts = shape["coordinates"]
            for part in parts if shape["type"] == "MultiPolygon" else [parts]:
                ring = _simple([_drawn(lon, lat) for lon, lat, *_ in part[0]])
                if len(ring) >= 4:
                    rings.setdefault(code, []).append(ring)
        height = max(y for found in rings.values() for ring in found for _, y in ring)
        to.write_text(
            json.dumps(
                {
                    "source": "johan/world.geo.json (Unlicense), Equal Earth, simplified",
                    "width": WIDTH,
                    "height": math.ceil(height),
                    "countries": {code: _country(found) for code, found in sorted(rings.items())},
                },
                separators=(",", ":"),
            ),
            "utf-8",
        )
        self.stdout.write(f"{to}: {len(rings)} countries.")


def _code(feature: dict[str, Any]) -> str | None:
    name, code = feature["properties"]["name"], feature["id"]
    return ODD.get(code) or (ODD.get(name) if code == "-99" else country_code(code))


def _projected(lon: float, lat: float) -> Point:
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(lat)))
    two, six = theta**2, theta**6
    across = math.sqrt(3) / 2 * (A1 + 3 * A2 * two + six * (7 * A3 + 9 * A4 * two))
    x = math.radians(lon) * math.cos(theta) / across
    return x, theta * (A1 + A2 * two + six * (A3 + A4 * two))


def _drawn(lon: float, lat: float) -> Point:
    """A place in the drawing: from the left and from the top."""
    right, top = _projected(180, 0)[0], _projected(0, TOP_LATITUDE)[1]
    x, y = _projected(lon, lat)
    scale = WIDTH / 2 / right
    return (x + right) * scale, (top - y) * scale


def _simple(ring: list[Point]) -> list[Point]:
    """Leave out bends finer than `FINEST`; a ring is cut in two, for its ends are one point."""
    half = len(ring) // 2
    kept = _thinned(ring[: half + 1])[:-1] + _thinned(ring[half:])
    return [(round(x, 1), round(y, 1)) for x, y in kept]


def _thinned(points: list[Point]) -> list[Point]:
    """The algorithm of Douglas and Peucker."""
    if len(points) < 3:
        return points
    (x1, y1), (x2, y2) = points[0], points[-1]
    length = math.hypot(x2 - x1, y2 - y1)
    farthest, where = 0.0, 0
    for number, (x, y) in enumerate(points[1:-1], 1):
        aside = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1))
        distance = aside / length if length else math.hypot(x - x1, y - y1)
        if distance > farthest:
            farthest, where = distance, number
    if farthest <= FINEST:
        return [points[0], points[-1]]
    return _thinned(points[: where + 1])[:-1] + _thinned(points[where:])


def _area(ring: list[Point]) -> float:
    ends = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in ends)) / 2


def _country(rings: list[list[Point]]) -> dict[str, Any]:
    """The path of a country, and the middle of its largest part, where the keyboard finds it."""
    rings = sorted(rings, key=_area, reverse=True)
    xs, ys = zip(*rings[0], strict=True)
    drawn = [rings[0], *(ring for ring in rings[1:] if _area(ring) > SMALLEST)]
    path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring[:-1]) + "Z" for ring in drawn)
    middle = [round((min(xs) + max(xs)) / 2, 1), round((min(ys) + max(ys)) / 2, 1)]
    return {"d": path, "at": middle}
