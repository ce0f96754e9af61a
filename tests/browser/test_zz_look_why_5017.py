import os
from datetime import timedelta
import pytest
from django.db.models import F
from reps.services import people
from reps.due.clock import database_now
from routing.dispatch import batch
from routing.models import Limit, Decision
from tests import make
D = os.environ["SHOT"]

@pytest.mark.django_db(transaction=True)
def test_look(sign_in):
    make.organisation()
    boss = make.user("boss", group="admin", is_superuser=True)
    team = make.team("North", manager=boss)
    names = ["Ann Berger", "Ben Ocaña", "Cleo Rothschild-Featherstonehaugh", "Dan Wu", "Eve Stone"]
    reps = []
    for n in names:
        first, last = n.split(" ")
        reps.append(make.rep(first.lower(), team=team, user=make.user(first.lower(), group="rep", first_name=first, last_name=last)))
    french = make.skill("french")
    make.rep_skill(reps[0], french, 3); make.rep_skill(reps[1], french, 3); make.rep_skill(reps[4], french, 3)
    pool = make.pool(*reps, name="EMEA inside sales", weights=(1,1,1,1,1))
    at = database_now()
    people.pause(rep=reps[4], until=None, reason="training", by=boss, at=at)
    make.saved(Limit(rep=reps[1], kind="flow", most=1, window="HOUR", rolling=True))
    stage = {"do": "filter", "by": "skill", "skill": "french", "at_least": 4, "relax": [{"after": 0, "at_least": 3}, {"after": 3600, "drop": True}]}
    other = {"target": {"kind": "pool", "id": pool.pk}, "stages": []}
    make.rules(
      {"name": "Trade fair exception", "expires_at": at - timedelta(days=2), **{k: v for k, v in make.round_robin(pool).items() if k != "name"}},
      {"name": "German named accounts", "condition": {"fact": "country", "op": "eq", "value": "DE"}, "path": {"target": {"kind": "account_owner"}}},
      {"name": "Account owner", "path": {"target": {"kind": "account_owner"}}},
      {"name": "French speakers for Europe", "reasoning": "Whoever writes from France is answered in French.", "condition": {"all": [{"fact":"country","op":"in","value":["FR","BE"]},{"fact":"location","op":"empty"},{"fact":"now","op":"not_empty"}]}, "path": {"target": {"kind":"pool","id":pool.pk}, "stages":[stage], "split": {"name":"speed","percent":1,"path":other}}},
    )
    leads = make.leads(5, fields={"country": "FR", "first_name": "Jeanne", "last_name": "Moreau", "company": "Tallwater SA"})
    now = database_now()
    from routing.intake import process
    batch.route(driver="test", at=now, due_before=now)
    lead = leads[-1]; lead.refresh_from_db()
    for width in (390, 1440):
        page = sign_in("boss", f"/leads/{lead.pk}/?why_not={reps[3].pk}", width=width)
        page.locator("section[aria-labelledby=why] details summary").first.click()
        page.wait_for_timeout(300)
        page.locator("section[aria-labelledby=why]").screenshot(path=f"{D}/why{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    Decision.objects.filter(pk__gt=0).update(place=F("place")+100)
    page = sign_in("boss", f"/leads/{lead.pk}/", width=390)
    page.locator("section[aria-labelledby=why]").screenshot(path=f"{D}/altered390.png")
