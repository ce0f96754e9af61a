"""Distances on the globe: great circles on a sphere of the earth's mean radius."""

import math
from typing import TypeAlias

# (latitude, longitude) in degrees: north and east are positive.
Point: TypeAlias = tuple[float, float]

# IUGG mean radius, in kilometres. The earth is no sphere: distances are up to 0.5 % off.
RADIUS_KM = 6371.0088


def km_between(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """
    Return the distance in kilometres between two points given in degrees.

    Rounded to metres, so that machines whose sines differ in the last digit agree.
    """
    here, there = math.radians(lat1), math.radians(lat2)
    up = math.sin((there - here) / 2) ** 2
    along = math.sin(math.radians(lon2 - lon1) / 2) ** 2
    half = min(1.0, up + math.cos(here) * math.cos(there) * along)
    return round(2 * RADIUS_KM * math.asin(math.sqrt(half)), 3)


def point_of(value: object) -> Point | None:
    """Return the point that a pair of numbers means; None if it means none."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    lat, lon = value
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in (lat, lon)):
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180):  # NaN is no place either
        return None
    return (float(lat), float(lon))
