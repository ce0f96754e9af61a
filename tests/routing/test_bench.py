"""The bench measures what it says it does."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reps.due.clock import database_now
from reps.models import AuditEvent, AuditHead, Message
from routing.bench import drain, meter, naive, synthetic, thinking
from routing.dispatch.batch import LARGEST
from routing.models import Assignment, Batch, Decision, Lead, PersonalFacts
from sla.models import Clock
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def backlog():
    """Make this many leads that wait for routing in a small synthetic organisation."""
    source = synthetic.organisation(rules=5, reps=20, at=database_now())

    def fill(number: int) -> None:
        at = database_now()
        synthetic.captured(number, source=source, first=Lead.objects.count(), at=at)
        assert synthetic.taken_in(at=at) == number

    return fill


def test_the_largest_batch_takes_as_many_statements_as_one_of_two(backlog):
    backlog(sum(drain.sizes()) + 1)

    counted = drain.statements()

    assert set(counted) == {2, 20, LARGEST[connection.vendor]}
    assert len(set(counted.values())) == 1, counted


def test_every_lead_of_the_backlog_gets_a_rep_and_everything_is_written(backlog):
    backlog(30)

    samples = drain.by_this_process(server=meter.Server())

    assert sum(one.leads for one in samples) == 30
    assert Lead.objects.filter(place=Lead.Place.OWNER).count() == 30
    for model in (Decision, PersonalFacts, Assignment, Clock, Message):
        assert model.objects.count() == 30, model
    # Received and placed.
    assert Lead.history.count() == 60
    assert AuditEvent.objects.filter(subject="routing.lead").count() == 60


def test_the_naive_baseline_routes_too(backlog):
    backlog(3)

    naive.route_each(synthetic.ready(3))

    assert Lead.objects.filter(place=Lead.Place.OWNER).count() == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the ceiling is PostgreSQL's")
def test_the_ceiling_writes_the_rows_that_the_product_writes(backlog):
    from routing.bench.ceiling import Copy

    models = (Decision, PersonalFacts, Assignment, Clock, Message, AuditEvent, AuditHead)
    backlog(20)
    before = {model: model.objects.count() for model in models}
    drain.one_batch(size=10)
    after_product = {model: model.objects.count() for model in models}

    Copy(Batch.objects.get(), synthetic.ready(10), number=1).write()

    for model in models:
        written = model.objects.count() - after_product[model]
        assert written == after_product[model] - before[model], model
    assert Lead.objects.filter(place=Lead.Place.OWNER).count() == 20
    assert Lead.history.count() == 40


def test_the_command_prints_json_with_every_figure():
    out = io.StringIO()

    call_command(
        "bench_routing",
        "--leads=50",
        "--rules=3",
        "--reps=10",
        "--json",
        "--in-process",
        stdout=out,
    )

    found = json.loads(out.getvalue())
    assert found["product"]["leads"] == 50
    assert found["product"]["cpu_ms"] > 0
    assert found["naive"]["per_second"] > 0
    assert found["intake"]["per_second"] > 0
    assert len(set(found["statements_per_batch"].values())) == 1
    assert found["ratios"]["per_second_over_naive"] > 0
    assert ("per_second" in found["ceiling"]) == (connection.vendor == "postgresql")


def test_it_refuses_a_database_that_is_in_use():
    make.organisation()

    with pytest.raises(CommandError, match="empty database"):
        call_command("bench_routing", "--json")


def test_the_engine_is_timed_without_a_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        found = thinking.decide_us(rules=20, candidates=10, leads=20)

    assert 0 < found["match"] < found["decide"]


def test_a_summary_is_a_median_and_leaves_empty_samples_out():
    samples = [
        meter.Sample(100, 1.0, 0.1, 0.05, 0.0),
        meter.Sample(100, 2.0, 0.1, 0.05, 1.0),
        meter.Sample(100, 4.0, 0.1, 0.05, 0.5),
        meter.Sample(0, 1.0, 0.1, 0.05, 0.5),
    ]

    found = meter.summary(samples)

    assert found["leads"] == 300
    assert found["per_second"] == 50.0
    assert found["per_second_best"] == 100.0
    assert found["cpu_ms"] == 1.0
