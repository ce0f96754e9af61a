"""
Points and a fitted score on two public sets of leads, by what is known on arrival alone.

Points come in two ways: written by hand from the descriptions of the columns, and derived on
the training part, as fitted log-odds rounded to whole points. Both are models as the product
scores them. The fitted score is that of `routing.qualify.learnt`.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from routing.insight.measures import Interval, share
from routing.qualify import learnt, measures, score_body, scoring
from routing.qualify.learnt import MISSING, OTHER, Learnt
from routing.qualify.scoring import Model

FOLDS = 5
ROUNDS = 1000
# Points by which a lead stands above another whose odds are half as good (e: 2.718 times).
PER_LOG_ODDS = 20
MIDDLE = 50
# Half of X Education's leads are won sooner or later; the deals of Olist need a horizon.
HORIZON_DAYS = 90
TRAINED_ON = 0.7
NOTHING = ("", "select")

ARRIVAL = {
    "Lead Origin": "origin",
    "Lead Source": "source",
    "Do Not Email": "do_not_email",
    "Do Not Call": "do_not_call",
    "Country": "country",
    "City": "city",
    "Specialization": "specialization",
    "How did you hear about X Education": "heard",
    "What is your current occupation": "occupation",
    "What matters most to you in choosing a course": "matters",
    "Search": "search",
    "Newspaper": "newspaper",
    "Digital Advertisement": "advertisement",
    "Through Recommendations": "recommended",
    "A free copy of Mastering The Interview": "free_copy",
}


@dataclass(frozen=True, slots=True)
class Leads:
    """A set of leads: facts on arrival, whether each was won, and a moment if it has one."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    won: Sequence[bool]
    when: Sequence[date] | None
    fields: tuple[str, ...]
    by_hand: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it on leads that nothing was learnt from."""

    name: str
    split: str
    leads: int
    won: int
    hand: Interval
    derived: Interval
    fitted: Interval
    gain_over_hand: Interval
    gain_over_derived: Interval
    brier: float
    error: float
    bins: Sequence[measures.Bin]
    bands: Sequence[tuple[str, int, int, Interval | None]]


def x_education(folder: Path) -> Leads:
    """Read the leads of X Education; what a rep typed, or what ran on, is left out."""
    with (folder / "Leads.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    rows = [
        {
            ours: value.strip().casefold()
            for theirs, ours in ARRIVAL.items()
            if (value := row[theirs]).strip().casefold() not in NOTHING
        }
        for row in found
    ]
    # In an order that has nothing to do with the file's, so that folds are alike.
    order = sorted(
        range(len(found)), key=lambda n: sha256(found[n]["Prospect ID"].encode()).hexdigest()
    )
    return Leads(
        "x_education",
        [rows[n] for n in order],
        [found[n]["Converted"] == "1" for n in order],
        None,
        tuple(ARRIVAL.values()),
        _hand_x_education(),
    )


def olist(folder: Path) -> Leads:
    """Read Olist's leads; won is a deal within the horizon after the first contact."""
    with (folder / "olist_closed_deals_dataset.csv").open(encoding="utf-8", newline="") as file:
        deals = {row["mql_id"]: row["won_date"] for row in csv.DictReader(file)}
    name = "olist_marketing_qualified_leads_dataset.csv"
    with (folder / name).open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    found.sort(key=lambda row: (row["first_contact_date"], row["mql_id"]))
    when = [date.fromisoformat(row["first_contact_date"]) for row in found]
    won = []
    for row, came in zip(found, when, strict=True):
        deal = deals.get(row["mql_id"])
        days = (datetime.fromisoformat(deal).date() - came).days if deal else None
        won.append(days is not None and days <= HORIZON_DAYS)
    rows = [
        {
            "origin": row["origin"],
            "landing_page": row["landing_page_id"],
        }
        for row in found
    ]
    rows = [{name: value for name, value in row.items() if value} for row in rows]
    return Leads("olist_funnel", rows, won, when, ("origin", "landing_page"), _hand_olist())


def _line(name: str, points: int, fact: str, *values: str) -> dict[str, Any]:
    condition: dict[str, Any] = {"fact": fact, "op": "not_empty"}
    if values:
        condition = {"fact": fact, "op": "in", "value": list(values)}
    return {"name": name, "points": points, "condition": condition}


def _hand_x_education() -> dict[str, Any]:
    return {
        "factors": [
            {"name": "Everybody", "points": 25, "condition": {"all": []}},
            _line("Added by hand", 40, "origin", "lead add form"),
            _line("Filled in a landing page", 10, "origin", "landing page submission"),
            _line("Came by reference", 20, "source", "reference", "welingak website"),
            _line("Chatted", 5, "source", "olark chat"),
            _line("Works already", 35, "occupation", "working professional", "businessman"),
            _line("Says what they do", 5, "occupation"),
            _line("Says what they studied", 5, "specialization"),
            _line("Recommended", 10, "recommended", "yes"),
            _line("Wants no e-mail", -25, "do_not_email", "yes"),
            _line("Wants no call", -10, "do_not_call", "yes"),
        ]
    }


def _hand_olist() -> dict[str, Any]:
    return {
        "factors": [
            {"name": "Everybody", "points": 40, "condition": {"all": []}},
            _line("Searched for us, paid", 20, "origin", "paid_search"),
            _line("Searched for us", 15, "origin", "organic_search"),
            _line("Came straight", 15, "origin", "direct_traffic"),
            _line("Referred", 20, "origin", "referral"),
            _line("From an e-mail", -5, "origin", "email"),
            _line("From social media", -15, "origin", "social"),
            _line("From a display", -15, "origin", "display"),
        ]
    }


def points_of(made: Learnt) -> dict[str, Any]:
    """A points model of fitted log-odds: each indicator's, rounded to whole points."""
    # A lead for whom nothing is known to speak is an average one.
    shift = round(PER_LOG_ODDS * (made.intercept - made.base))
    factors = [{"name": "Everybody", "points": MIDDLE + shift, "condition": {"all": []}}]
    for key, weight in sorted(made.weights.items()):
        points = round(PER_LOG_ODDS * weight)
        if points:
            name, _, value = key.partition("=")
            told = made.encoder.values[name]
            factors.append({"name": key, "points": points, "condition": _asks(name, value, told)})
    return {"factors": factors}


def _asks(name: str, value: str, told: Sequence[str]) -> dict[str, Any]:
    if value == MISSING:
        return {"fact": name, "op": "empty"}
    if value == OTHER:
        return {"fact": name, "op": "not_in", "value": list(told)}
    return {"fact": name, "op": "eq", "value": value}


def measure(data: Leads, *, rounds: int = ROUNDS) -> Result:
    """Score every lead that is judged by what others taught, and judge."""
    kinds: Mapping[str, Any] = dict.fromkeys(data.fields, "text")
    hand = score_body.read(data.by_hand, kinds)
    judged: list[int] = []
    by_hand: list[float] = []
    derived: list[float] = []
    fitted: list[float] = []
    for train, test in _splits(data):
        made = learnt.learn(
            [data.rows[n] for n in train],
            [data.won[n] for n in train],
            texts=data.fields,
            numbers=(),
        )
        points = score_body.read(points_of(made), kinds)
        judged += test
        by_hand += [_scored(hand, data.rows[n]) for n in test]
        derived += [_scored(points, data.rows[n]) for n in test]
        fitted += [made.likelihood(data.rows[n]) for n in test]
    won = [data.won[n] for n in judged]
    bins = measures.bins(fitted, won)
    return Result(
        name=data.name,
        split=f"{FOLDS}-fold cross-validation" if data.when is None else _dated(data),
        leads=len(won),
        won=sum(won),
        hand=measures.auc_interval(by_hand, won, rounds=rounds),
        derived=measures.auc_interval(derived, won, rounds=rounds),
        fitted=measures.auc_interval(fitted, won, rounds=rounds),
        gain_over_hand=measures.auc_gain(fitted, by_hand, won, rounds=rounds),
        gain_over_derived=measures.auc_gain(fitted, derived, won, rounds=rounds),
        brier=measures.brier(fitted, won),
        error=measures.calibration_error(bins),
        bins=bins,
        bands=_bands(derived, won),
    )


def _scored(model: Model, row: Mapping[str, Any]) -> float:
    return scoring.score(model, row).value


def _splits(data: Leads) -> list[tuple[list[int], list[int]]]:
    """Which leads teach and which are judged, by their places."""
    number = len(data.rows)
    if data.when is not None:
        cut = round(number * TRAINED_ON)
        return [(list(range(cut)), list(range(cut, number)))]
    return [
        (
            [n for n in range(number) if n % FOLDS != fold],
            [n for n in range(number) if n % FOLDS == fold],
        )
        for fold in range(FOLDS)
    ]


def _dated(data: Leads) -> str:
    assert data.when is not None
    first = data.when[round(len(data.when) * TRAINED_ON)]
    return f"learnt before {first}, judged from then on, won within {HORIZON_DAYS} days"


def _bands(
    points: Sequence[float], won: Sequence[bool]
) -> list[tuple[str, int, int, Interval | None]]:
    found = []
    for low in range(0, 100, 10):
        high = 100 if low == 90 else low + 9
        inside = [y for value, y in zip(points, won, strict=True) if low <= value <= high]
        found.append((f"{low}–{high}", len(inside), sum(inside), share(sum(inside), len(inside))))
    return found


SETS: Mapping[str, Callable[[Path], Leads]] = {
    "Leads.csv": x_education,
    "olist_closed_deals_dataset.csv": olist,
}
