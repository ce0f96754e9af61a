import json
from datetime import timedelta, date, datetime, UTC
import pytest
from django.urls import reverse
from routing.models import *
from routing.models import Organisation, RuleSet, SimulatedLead, Simulation, Limit, GoldenLead
from reps.models import Rep
from routing.simulation import uploads, work
from routing.rules import golden, repair, schedule
from tests import make
from tests.clock import travel
from tests.routing.test_simulation_pages import scene, signed_in, done, LATER, AT
pytestmark = pytest.mark.django_db

def test_far_until(client, scene):
    signed_in(client, "rita")
    with travel(LATER):
        pk = RuleSet.objects.get(state="DRAFT").pk
        for since, until in (("2026-06-15","9999-12-31"),("0001-01-01",""),("9999-12-31","")):
            try:
                r = client.post(reverse("simulation_new"), {"ruleset": pk, "since": since, "until": until})
                print(since, until, r.status_code)
            except Exception as e:
                print(since, until, "BOOM", repr(e))
    assert 0

def test_sim_api_huge(client, scene):
    signed_in(client, "rita")
    made = done()
    for q in ("rep=999999999999999999999999", "rep=1.5", "rep=NaN", "rep=-1"):
        try:
            r = client.get(f"/api/v1/simulations/{made.pk}/leads/?{q}")
            print(q, r.status_code, r.content[:100])
        except Exception as e:
            print(q, "BOOM", repr(e))
    for q in ("rep=999999999999999999999999","page=99999999999999999999","tier=%00"):
        try:
            r = client.get(reverse("simulation", args=[made.pk])+"?"+q)
            print(q, r.status_code)
        except Exception as e:
            print(q, "BOOM", repr(e))
    assert 0

def test_limit_self(client, scene):
    eva = make.User.objects.get(username="eva")
    me = make.rep("evarep", user=eva, team=make.Team.objects.get(name="West"))
    signed_in(client, "eva")
    r = client.post("/api/v1/limits/", json.dumps({"rep": me.pk, "kind":"FLOW","most":3,"window":"DAY"}), content_type="application/json")
    print(r.status_code, r.content[:200])
    ann, ben = scene
    r = client.post("/api/v1/limits/", json.dumps({"rep": ben.pk, "kind":"FLOW","most":3,"window":"DAY"}), content_type="application/json")
    print(r.status_code, r.content[:200])
    pool = Pool.objects.get(name="All")
    r = client.post(reverse("pool_limits", args=[pool.pk]), {"l_about": str(ben.pk), "l_kind":"FLOW","l_most":"0","l_period":"DAY","l_tier":""})
    print(r.status_code, Limit.objects.values())
    assert 0

def test_rep_delete(scene):
    from reps.services import configuration
    cat = make.rep("cat")
    pool = make.pool(cat, scene[0], name="P2")
    from django.db import transaction, connection
    try:
        with transaction.atomic():
            configuration.delete(cat, by=None, at=AT, reason="x")
            connection.check_constraints()
        print("deleted")
    except Exception as e:
        print("BOOM", repr(e))
    dan = make.rep("dan")
    pool = make.pool(dan, scene[0], name="P3")
    try:
        with transaction.atomic():
            dan.delete()
            connection.check_constraints()
        print("deleted")
    except Exception as e:
        print("BOOM", repr(e))
    assert 0

def test_posted_huge(client, scene):
    make.rules(make.round_robin(Pool.objects.get(name="All"))) if False else None
    signed_in(client, "rita")
    bad = Organisation.get().live_ruleset
    from routing.rules import lifecycle
    lifecycle.publish(ruleset=RuleSet.objects.get(state="DRAFT"), by=make.User.objects.get(username="rita"), at=LATER)
    for v in ("9"*30+":1", "1:"+"9"*30):
        try:
            r = client.post(reverse("rules_repair", args=[bad.pk]), {"lead": [v], "reason": "x"})
            print(v, r.status_code)
        except Exception as e:
            print(v, "BOOM", repr(e))
    assert 0

def test_golden_junk(client, scene):
    signed_in(client, "rita")
    draft = RuleSet.objects.get(state="DRAFT")
    for known in ({"events": ["junk"]}, {"location": ["a"]}, {"location":[1,"b"]}, {"propensity":[1]}, {"daytime":[3]}, {"events":[["a","b"]]}, {"account_team":[{"a":1}]}, {"events":[[["x"],3]]}, {"territory": 10**30}, {"now": 1e400} , {"employees": 10**400}):
        try:
            r = client.post("/api/v1/golden-leads/", json.dumps({"ruleset": draft.pk, "name":"g"+str(known)[:40], "facts": known, "expect_outcome":"assign"}), content_type="application/json")
            print(known if len(str(known))<99 else "big", r.status_code, r.content[:160])
        except Exception as e:
            print(str(known)[:50], "BOOM", repr(e)[:200])
    assert 0

def test_sim_deleted_rep(scene):
    from reps.services import configuration
    ann, ben = scene
    zoe = make.rep("zoe")
    # a roster in which zoe is
    from routing.rules import lifecycle
    make.pool(zoe, name="Zoe pool")
    with travel(AT + timedelta(hours=1)):
        make.routed(make.lead({"name": "Z", "company": "ZZ"}, at=AT + timedelta(hours=1)), at=AT + timedelta(hours=1))
    draft = RuleSet.objects.get(state="DRAFT")
    from reps import trail
    rule = draft.rules.first()
    print(rule.path)
    rule.path = {**rule.path, "target": {"kind": "rep", "id": zoe.pk}, "stages": []}
    trail.save(rule, by=None, at=AT, reason="x")
    asked = work.start(ruleset=draft, at=LATER, by=None, since=AT)
    Pool.objects.filter(name="Zoe pool").get().delete()
    try:
        configuration.delete(zoe, by=None, at=AT, reason="x")
        print("deleted zoe")
    except Exception as e:
        print("no delete", repr(e))
    from django.db import connection
    try:
        while work.drain(driver="test", due_before=LATER + make.MINUTE, at=LATER, only=asked.pk):
            pass
        connection.check_constraints()
        asked.refresh_from_db(); print(asked.state, asked.error)
    except Exception as e:
        print("BOOM", repr(e))
    assert 0
