"""
The states of the US as a grid of tiles: column and row of each, after where they lie.

Our own arrangement, so that no outline of anybody's is needed; every state is as easy to hit
as any other, which on a true map they are not.
"""

from collections.abc import Mapping
from typing import Final

_GRID: Final = """
AK .. .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. .. VT NH
.. WA ID MT ND MN IL WI MI NY RI MA
.. OR NV WY SD IA IN OH PA NJ CT ..
.. CA UT CO NE MO KY WV VA MD DE ..
.. .. AZ NM KS AR TN NC SC DC .. ..
.. .. .. .. OK LA MS AL GA .. .. ..
HI .. .. .. TX .. .. .. .. FL .. PR
"""

TILES: Final[Mapping[str, tuple[int, int]]] = {
    code: (column, row)
    for row, line in enumerate(_GRID.strip().splitlines())
    for column, code in enumerate(line.split())
    if code != ".."
}
COLUMNS: Final = max(column for column, _ in TILES.values()) + 1
ROWS: Final = max(row for _, row in TILES.values()) + 1
