"""Somebody is offboarded while leads are being given to them: none stays behind."""

import threading
from contextlib import suppress

import pytest
from django.db import connection

from reps.due.clock import database_now
from routing import work
from routing.models import Lead, Offboarding
from routing.offboarding import carry, plan
from routing.ownership import OwnershipRefused
from tests import make
from tests.processes import scene as floor

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def test_no_lead_stays_with_who_leaves_however_many_are_given_meanwhile():
    make.organisation()
    boss = make.user("boss", group="revops")
    rep, heir = make.rep("leaver"), make.rep("heir")
    leads = floor.waiting_leads(24)
    row = plan.make(rep=rep, successor=heir, reason="leaves", by=boss, at=database_now())
    failed: list[BaseException] = []
    begin = threading.Barrier(4)

    def gives(mine):
        try:
            begin.wait(30)
            for lead in mine:
                with suppress(OwnershipRefused):
                    work.give_to(
                        lead_id=lead.pk,
                        epoch=0,
                        rep_id=rep.pk,
                        reason_code="CORRECTED",
                        reason="by hand",
                        by=None,
                        at=database_now(),
                        driver="test",
                    )
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    def leaves():
        try:
            begin.wait(30)
            carry.start(offboarding=row, by=boss, at=database_now(), driver="test")
            while carry.go_on(offboarding_id=row.pk, at=database_now(), driver="test"):
                pass
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=gives, args=(leads[n::3],)) for n in range(3)]
    threads.append(threading.Thread(target=leaves))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failed == []
    assert Offboarding.objects.get().state == Offboarding.State.DONE
    assert Lead.objects.filter(owner=rep).count() == 0
    assert floor.violations(("I16", *floor.OWNERSHIP, *floor.TRAIL)) == {}
