"""
Which places touch: countries by a land border, states of the US, postal codes by number.

Pure: codes in, an answer out. Borders were computed from the outlines of public-domain maps
(shared corners of polygons) and completed by hand: places too small for those maps, and what
joins over water by bridge or tunnel (Denmark and Sweden, France and Britain, Singapore and
Malaysia, Bahrain and Saudi Arabia). States that only meet in a corner do not touch.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

# Each border once, under the code that comes first in the alphabet.
_COUNTRIES: Final = """
AD ES FR; AE OM SA; AF CN IR PK TJ TM UZ; AL GR ME MK XK; AM AZ GE IR TR; AO CD CG NA ZM; AR BO
BR CL PY UY; AT CH CZ DE HU IT LI SI SK; AZ GE IR RU TR; BA HR ME RS; BD IN MM; BE DE FR LU NL;
BF BJ CI GH ML NE TG; BG GR MK RO RS TR; BH SA; BI CD RW TZ; BJ NE NG TG; BN MY; BO BR CL PE PY;
BR CO GF GY PE PY SR UY VE; BT CN IN; BW NA ZA ZM ZW; BY LT LV PL RU UA; BZ GT MX; CA US; CD CF
CG RW SS TZ UG ZM; CF CG CM SD SS TD; CG CM GA; CH DE FR IT LI; CI GH GN LR ML; CL PE; CM GA GQ
NE NG TD; CN HK IN KG KP KZ LA MM MN MO NP PK RU TJ VN; CO EC PA PE VE; CR NI PA; CZ DE PL SK;
DE DK FR LU NL PL; DJ ER ET; DK SE; DO HT; DZ EH LY MA ML MR NE TN; EC PE; EE LV RU; EG IL JO LY
PS SD; EH MA MR; ER ET SD; ES FR GI PT; ET KE SD SO SS; FI NO RU SE; FR GB IT LU MC; GA GQ; GB
IE; GE RU TR; GF SR; GH TG; GM SN; GN GW LR ML SL SN; GR MK TR; GT HN MX SV; GW SN; GY SR VE; HK
MO; HN NI SV; HR HU ME RS SI; HU RO RS SI SK UA; ID MY PG TL; IL JO LB PS SY; IN MM NP PK; IQ IR
JO KW SA SY TR; IR PK TM TR; IT SI SM VA; JO PS SA SY; KE SO SS TZ UG; KG KZ TJ UZ; KH LA TH VN;
KP KR RU; KW SA; KZ RU TM UZ; LA MM TH VN; LB SY; LR SL; LS ZA; LT LV PL RU; LV RU; LY NE SD TD
TN; MD RO UA; ME RS XK; MF SX; MK RS XK; ML MR NE SN; MM TH; MN RU; MR SN; MW MZ TZ ZM; MX US;
MY SG TH; MZ SZ TZ ZA ZM ZW; NA ZA ZM; NE NG TD; NO RU SE; OM SA YE; PL RU SK UA; QA SA; RO RS
UA; RS XK; RU UA; RW TZ UG; SA YE; SD SS TD; SK UA; SS UG; SY TR; SZ ZA; TJ UZ; TM UZ; TZ UG ZM;
ZA ZW; ZM ZW
"""
_STATES: Final = """
AL FL GA MS TN; AR LA MO MS OK TN TX; AZ CA NM NV UT; CA NV OR; CO KS NE NM OK UT WY; CT MA NY
RI; DC MD VA; DE MD NJ PA; FL GA; GA NC SC TN; IA IL MN MO NE SD WI; ID MT NV OR UT WA WY; IL IN
KY MO WI; IN KY MI OH; KS MO NE OK; KY MO OH TN VA WV; LA MS TX; MA NH NY RI VT; MD PA VA WV; ME
NH; MI OH WI; MN ND SD WI; MO NE OK TN; MS TN; MT ND SD WY; NC SC TN VA; ND SD; NE SD WY; NH VT;
NJ NY PA; NM OK TX; NV OR UT; NY PA VT; OH PA WV; OK TX; OR WA; PA WV; SD WY; TN VA; UT WY; VA
WV
"""


def _both_ways(table: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in " ".join(table.split()).split("; "):
        one, *others = row.split(" ")
        for other in others:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {code: frozenset(others) for code, others in found.items()}


COUNTRIES: Final = _both_ways(_COUNTRIES)
US_STATES: Final = _both_ways(_STATES)


def countries_touch(one: str, other: str) -> bool:
    """Whether two countries, as ISO codes, share a border or a fixed link."""
    return other in COUNTRIES.get(one, ())


def states_touch(one: str, other: str) -> bool:
    """Whether two states of the US, as two letters, share a border."""
    return other in US_STATES.get(one, ())


def neighbours_by_number(codes: Iterable[str]) -> set[tuple[str, str]]:
    """
    The pairs of postal prefixes that follow each other: 941 and 942, or 941 and 943 where 942
    is not among them. Codes of one length are compared with one another only, and letters in
    front must be the same ("SW1" and "SW2", never "SE9" and "SW1").
    """
    groups: dict[tuple[int, str], list[str]] = {}
    for code in set(codes):
        letters = code.rstrip("0123456789")
        groups.setdefault((len(code), letters), []).append(code)
    return {pair for group in groups.values() for pair in pairwise(sorted(group))}
