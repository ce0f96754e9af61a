import pytest
from tests import make
from routing import work
from routing.models import *
from reps.models import *
from sla.models import *
from reps.due import jobs
pytestmark = pytest.mark.django_db

def test_way():
    make.organisation()
    a=make.rep("a"); b=make.rep("b", backup=a)
    p=make.pool(a,b)
    make.policy()
    make.rules(make.round_robin(p))
    from routing.intake import process; s=make.submission(); process._process_batch(due_before=make.MONDAY_9AM)
    s.refresh_from_db(); print(s.state, s.errors)
    ls=make.leads(5)
    jobs.drain("route", driver="t", due_before=make.MONDAY_9AM)
    for l in ls:
        l.refresh_from_db()
    print([(l.place,l.owner_id,l.owner_epoch,l.due_at) for l in ls])
    assert all(l.place=="OWNER" for l in ls)
    l=ls[0]
    work.acknowledge(lead_id=l.pk, epoch=1, by=l.owner.user, at=make.MONDAY_9AM)
    jobs.drain("clocks", driver="t", due_before=make.MONDAY_9AM+make.MINUTE*60)
    for l in ls:
        l.refresh_from_db()
    print([(l.place,l.owner_id,l.owner_epoch,l.due_at) for l in ls])
    print(Escalation.objects.values_list("action","effect"))
    from reps.trail import audit
    assert list(audit.broken())==[]
    from routing.dispatch import replay
    for d in Decision.objects.all():
        assert replay.run_again(d).decode()==d.body
    jobs.drain("outbox", driver="t", due_before=make.MONDAY_9AM+make.MINUTE*60)
    print(Message.objects.values_list("kind","state","last_error"))
    from reps import verify
    for inv, bad in verify.run(at=make.MONDAY_9AM+make.MINUTE*60):
        print(inv.code, inv.promise, bad)
        assert not bad
