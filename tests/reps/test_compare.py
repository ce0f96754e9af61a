"""What the database saw and what the product wrote: compared, by every way there is to write."""

import random
from datetime import timedelta

import pytest
from django.db import connection, models, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from reps import trail
from reps.due import jobs
from reps.due.clock import database_now
from reps.models import ChangeLog, Team
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from reps.services import people
from reps.trail import compare
from reps.trail.history import tracked_models
from routing import work
from tests import make, tamper
from tests.project.test_history import CASES

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
INTERLEAVINGS = 200
pytestmark = pytest.mark.django_db
on_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="only PostgreSQL keeps a log of its own"
)


def found() -> set[tuple[str, int]]:
    return {(one.table, one.row_id) for one in compare.differences()}


# --- By hand: base state, (transaction, state) of the log, states of the history -----------------


@pytest.mark.parametrize(
    ("base", "log", "told"),
    [
        (None, [], []),
        (None, [(1, "a")], ["a"]),
        ("a", [(1, "b"), (2, "c")], ["b", "c"]),
        ("a", [(1, "b"), (1, "c")], ["c"]),
        ("a", [(1, "b"), (1, "c")], ["b", "c"]),
        ("a", [(1, "b"), (1, "a")], []),
        ("a", [(1, "b"), (1, "a")], ["b", "a"]),
        ("a", [], ["a", "a"]),
        ("a", [(1, "b"), (2, "a"), (3, "b")], ["b", "b", "a", "b"]),
        (None, [(1, "a"), (2, "D")], ["a", "D"]),
    ],
)
def test_these_accounts_agree(base, log, told):
    assert compare.contradiction(base, log, told) == ""


@pytest.mark.parametrize(
    ("base", "log", "told"),
    [
        (None, [(1, "a")], []),
        ("a", [(1, "b")], ["a"]),
        ("a", [(1, "b"), (2, "c")], ["c"]),
        ("a", [(1, "b"), (1, "c")], ["b"]),
        ("a", [(1, "b"), (1, "c")], ["c", "b"]),
        ("a", [(1, "b"), (1, "c")], ["x", "c"]),
        ("a", [], ["b"]),
        ("a", [(1, "b")], ["b", "a"]),
        ("a", [(1, "D")], []),
    ],
)
def test_these_accounts_contradict_each_other(base, log, told):
    assert compare.contradiction(base, log, told)


STATES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), max_size=8).map(
    lambda entries: sorted(entries, key=lambda entry: entry[0])
)


@given(log=STATES)
def test_an_honest_account_agrees_and_one_without_its_end_does_not(log):
    told = [state for _, state in log]

    assert compare.contradiction("z", log, told) == ""
    assert compare.contradiction("z", log, [*told, "never"])
    if log:
        assert compare.contradiction("z", [*log, (9, "end")], told)


# --- Every way to write, on every tracked model --------------------------------------------------


def by_update(row, changes) -> None:
    with bulk_writer("test"):
        type(row).objects.filter(pk=row.pk).update(**changes)


def by_bulk_update(row, changes) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    fields = {f.attname: f.name for f in row._meta.concrete_fields}
    with bulk_writer("test"):
        type(row).objects.bulk_update([row], [fields[name] for name in changes])


def by_update_many(row, changes) -> None:
    fields = {f.attname: f.name for f in row._meta.concrete_fields}
    with bulk_writer("test"):
        update_many(type(row), [{"pk": row.pk, **{fields[name]: v for name, v in changes.items()}}])


def by_base_manager(row, changes) -> None:
    models.QuerySet(type(row)).filter(pk=row.pk).update(**changes)


def by_raw_delete(row, changes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f'DELETE FROM "{row._meta.db_table}" WHERE id = %s', [row.pk])


def by_collector(row, changes) -> None:
    models.QuerySet(type(row)).filter(pk=row.pk)._raw_delete(using="default")


WITHOUT_HISTORY = [
    by_update,
    by_bulk_update,
    by_update_many,
    by_base_manager,
    by_raw_delete,
    by_collector,
]


@on_postgres
@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_what_left_no_history_is_found_whoever_wrote_it(model):
    row = make.saved(CASES[model].unsaved())
    changes = CASES[model].changes(model.objects.get(pk=row.pk))
    assert found() == set()

    for write in WITHOUT_HISTORY:
        with transaction.atomic():
            write(model.objects.get(pk=row.pk), changes)
            assert found() == {(model._meta.db_table, row.pk)}, write.__name__
            transaction.set_rollback(True)

    assert found() == set()


@on_postgres
@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_a_row_that_was_made_without_history_is_found(model):
    row = CASES[model].unsaved()
    row.pk = 1 if model._meta.label == "routing.Organisation" else 987_654

    with bulk_writer("test"):
        insert_many([row])

    assert found() == {(model._meta.db_table, row.pk)}


@on_postgres
@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_what_history_leaves_out_is_not_logged(model):
    row = make.saved(CASES[model].unsaved())
    kept = {f.attname for f in model.history.model._meta.concrete_fields}
    left_out = [
        f for f in model._meta.concrete_fields if f.attname not in kept and f.null and not f.unique
    ]
    before = ChangeLog.objects.count()

    for field in left_out:
        value = LATER if isinstance(field, models.DateTimeField) else None
        by_base_manager(row, {field.attname: value})
    by_base_manager(row, {model._meta.pk.attname: row.pk})

    assert ChangeLog.objects.count() == before


@on_postgres
def test_an_expression_is_either_on_record_or_not_done():
    rep = make.rep(capacity=5)
    rep.capacity = F("capacity") + 1

    with pytest.raises(Exception), transaction.atomic():
        trail.save(rep, by=None, at=AT, reason="grown")

    rep.refresh_from_db()
    assert rep.capacity == 5
    assert found() == set()


@on_postgres
def test_a_history_row_of_what_never_was_is_found():
    team = make.team("North")
    row = team.history.first()
    row.pk, row.name = None, "South"
    models.Model.save(row, force_insert=True)
    back = team.history.first()
    back.pk, back.name = None, "North"
    models.Model.save(back, force_insert=True)

    assert found() == {("reps_team", team.pk)}


# --- Through real services, with real transactions -----------------------------------------------


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_a_day_of_work_through_the_services_leaves_no_difference():
    make.organisation()
    boss = make.user("boss")
    team = make.team("North", manager=boss)
    ann, ben = make.rep("ann", team=team), make.rep("ben", team=team)
    shared = make.queue(make.pool(ann, ben), name="Shared")
    make.policy()
    make.factor(30, {"fact": "country", "op": "eq", "value": "DE"})
    make.rules(make.round_robin(shared.pool))
    leads = make.leads(8, fields={"country": "DE"})
    jobs.drain("route", driver="test", due_before=AT)
    for lead in leads:
        lead.refresh_from_db()
    one, two, three, *_ = leads
    work.acknowledge(lead_id=one.pk, epoch=1, by=one.owner.user, at=AT + make.MINUTE)
    work.log_contact(
        lead_id=one.pk,
        epoch=1,
        way="CALL",
        reached=True,
        note="",
        by=one.owner.user,
        at=AT + make.MINUTE,
    )
    work.record_outcome(
        lead_id=two.pk, epoch=1, kind="WON", by=two.owner.user, at=LATER, driver="test"
    )
    work.decline(
        lead_id=three.pk, epoch=1, reason="No", by=three.owner.user, at=LATER, driver="test"
    )
    for minute in (10, 20, 40, 60):
        for name in ("intake", "route", "clocks"):
            jobs.drain(name, driver="test", due_before=AT + minute * make.MINUTE)
    people.deactivate(rep=ben, reason="left", by=boss, at=LATER, driver="test")
    make.skill("french").delete()

    assert list(compare.faults()) == []
    assert ChangeLog.objects.filter(table_name="routing_lead").count() > 16

    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_lead SET score = score + 1 WHERE id = %s", [one.pk])
    afterwards = database_now()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_lead SET score = score + 1 WHERE id = %s", [two.pk])

    assert [one.row_id for one in compare.differences(since=afterwards)] == [two.pk]
    assert [one.row_id for one in compare.differences()] == [one.pk, two.pk]


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_stale_copies_are_found_exactly_where_they_lied():
    """Copies of a row, read at several moments and saved in any order, wholly or in part."""
    chance = random.Random(74)
    lied, bosses = set(), [make.user(), make.user(), None]
    for number in range(INTERLEAVINGS):
        team = Team(name=f"Team {number}")
        trail.save(team, by=None, at=AT, reason="made")
        copies = [Team.objects.get(pk=team.pk) for _ in range(3)]
        for step in range(chance.randint(2, 5)):
            copy = chance.choice(copies)
            act = chance.choice(["save", "part", "part", "read"])
            if act == "read":
                copy.refresh_from_db()
            elif act == "save":
                copy.name = f"Team {number} {step}"
                copy.save()
            else:
                name = chance.choice(["name", "manager"])
                value = f"Team {number} part {step}" if name == "name" else chance.choice(bosses)
                setattr(copy, name, value)
                copy.save(update_fields=[name])
            truth = Team.objects.filter(pk=team.pk).values_list("name", "manager_id").get()
            told = team.history.order_by("-history_id").values_list("name", "manager_id").first()
            if truth != told:
                lied.add(("reps_team", team.pk))

    assert 0 < len(lied) < INTERLEAVINGS
    assert found() == lied


# --- The triggers themselves ---------------------------------------------------------------------


@on_postgres
def test_a_trigger_that_is_switched_off_or_gone_is_named():
    assert list(compare.faults()) == []

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE reps_team DISABLE TRIGGER reps_log_update")
        cursor.execute("DROP TRIGGER reps_only_grows ON reps_auditevent")

    assert list(compare.faults()) == [
        "reps_team: the trigger reps_log_update is missing, altered or switched off",
        "reps_auditevent: the trigger reps_only_grows is missing, altered or switched off",
    ]


def test_nothing_is_compared_where_the_database_keeps_no_log():
    team = make.team()
    tamper.run("UPDATE reps_team SET name = 'x' WHERE id = %s", team.pk)

    if connection.vendor != "postgresql":
        assert list(compare.faults()) == []
