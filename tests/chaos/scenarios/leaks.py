"""C13 in short: nobody reaches a foreign lead by any page or verb, while leads change teams."""

import json
import logging
import re
from collections.abc import Iterator

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from reps.due.clock import database_now
from reps.models import Rep
from routing import work
from routing.models import Lead
from tests import make
from tests.chaos import floor
from tests.chaos.bench import Bench, violations
from tests.chaos.outcome import Outcome

LEADS = 40
UNKNOWN = 10**9


def of_foreign_leads(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """
    Leads move from one team to another and back; at once the one sees them and the other does not.

    Whoever may not see a lead hears by every route the same as about a lead that does not exist.
    """
    # Hundreds of refusals are what is asked for.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    make.organisation()
    reps = [make.rep(f"rep{n}", team=make.team(f"Team {n}")) for n in range(2)]
    clients = {rep.pk: signed_in(rep) for rep in reps}
    routes = sorted(set(routes_of_a_lead()))
    asked, leaks = 0, []
    for number in range(max(4, int(LEADS * scale))):
        owner, other = reps[number % 2], reps[(number + 1) % 2]
        lead = make.owned(owner, at=database_now())
        for _ in range(2):
            for method, path in routes:
                asked += 1
                if leak := reaches(clients[other.pk], method, path, lead):
                    leaks.append(f"{other} {leak}")
            if clients[owner.pk].get(f"/api/v1/leads/{lead.pk}/").status_code != 200:
                leaks.append(f"{owner} does not see lead {lead.pk}, which is theirs")
            owner, other = other, owner
            lead = work.move_by_hand(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                to=owner,
                reason="to the other team",
                by=floor.manager(),
                at=database_now(),
                driver="test",
            )
    outcome.faults = "leads change teams"
    outcome.count("foreign questions", asked)
    outcome.figures["routes"] = len(routes)
    outcome.demand(len(routes) >= 15, f"only {len(routes)} routes were found")
    outcome.demand_none(leaks, "leaks")
    outcome.demand_none(violations(), "violations of invariants")


def signed_in(rep: Rep) -> Client:
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    client.force_login(rep.user)
    return client


def routes_of_a_lead() -> Iterator[tuple[str, str]]:
    """Every page and every verb of the API that is about one lead, named by its number."""
    for path in paths(get_resolver()):
        if "/leads/{}/" in path and "{}" not in path.replace("{}", "", 1):
            yield "GET", path
            yield "POST", path


def paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        text = before + plain(str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield text
        else:
            yield from paths(entry, text)


def plain(pattern: str) -> str:
    """A pattern with {} for what varies; the regular expressions of the router read the same."""
    named = re.sub(r"\(\?P<\w+>[^)]*\)", "{}", pattern)
    return re.sub(r"[\^$\\]|\\Z", "", re.sub(r"<[^>]+>", "{}", named))


def reaches(client: Client, method: str, path: str, lead: Lead) -> str:
    """What is wrong with the answers about a foreign lead; "" if nothing is."""
    sent = json.dumps({"epoch": lead.owner_epoch, "reason": "mine", "to": 1, "kind": "LOST"})
    # Somebody who saw it before may hear that somebody was quicker, so the epoch is another one.
    told = sent.replace(f'"epoch": {lead.owner_epoch}', '"epoch": 77')
    how = {"data": told, "content_type": "application/json"}
    foreign = client.generic(method, path.format(lead.pk), **how)
    unknown = client.generic(method, path.format(UNKNOWN), **how)
    if (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content):
        return ""
    if foreign.status_code == unknown.status_code and foreign.status_code in (403, 405):
        return ""
    return f"{method} {path}: {foreign.status_code} for a foreign lead, {unknown.status_code} else"
