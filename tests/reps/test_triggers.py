"""What PostgreSQL watches over: installed once, mended when touched, gone when not wanted."""

import pytest
from django.db import IntegrityError, connection, transaction

from reps.models import AuditAnchor, AuditEvent, ChangeLog, Team
from reps.models.audit import TrailIsAppendOnly
from reps.trail import compare, triggers
from reps.trail.history import tracked_models
from tests import make
from tests.project.test_history import CASES

pytestmark = pytest.mark.django_db
on_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="only PostgreSQL keeps watch"
)


def run(sql: str, *params) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def settle() -> None:
    """Check what is deferred now, so that tables may be altered in this transaction."""
    run("SET CONSTRAINTS ALL IMMEDIATE")


def test_installing_again_changes_nothing():
    assert triggers.install() == []
    assert triggers.missing() == []


@on_postgres
def test_what_was_removed_comes_back_with_the_next_migration():
    settle()
    run("DROP TRIGGER reps_log_update ON reps_team")
    run("DROP TRIGGER reps_is_not_emptied ON reps_historicalteam")

    assert triggers.install() == ["reps_historicalteam", "reps_team"]
    assert triggers.missing() == []


@on_postgres
def test_a_table_that_is_no_longer_tracked_is_left_alone(monkeypatch):
    settle()
    fewer = [model for model in tracked_models() if model is not Team]
    monkeypatch.setattr(triggers, "tracked_models", lambda: fewer)

    assert triggers.install() == ["reps_historicalteam", "reps_team"]

    before = ChangeLog.objects.count()
    run("INSERT INTO reps_team (name) VALUES ('Unwatched')")
    assert ChangeLog.objects.count() == before


@on_postgres
def test_a_table_that_gets_a_column_is_compared_from_then_on():
    team = make.team("North")
    settle()
    for table in ("reps_team", "reps_historicalteam"):
        run(f"ALTER TABLE {table} ADD COLUMN motto varchar(20) NOT NULL DEFAULT 'onwards'")

    assert triggers.install() == ["reps_team"]

    assert list(compare.faults()) == []
    run("UPDATE reps_team SET motto = 'upwards' WHERE id = %s", team.pk)
    assert [(one.table, one.row_id) for one in compare.differences()] == [("reps_team", team.pk)]


@on_postgres
def test_one_statement_writes_one_line_per_row_that_really_changed():
    ids = [make.team(f"Team {number}").pk for number in range(5)]
    manager = make.user().pk
    run("UPDATE reps_team SET manager_id = %s WHERE id = %s", manager, ids[0])
    before = ChangeLog.objects.count()

    run("UPDATE reps_team SET manager_id = %s", manager)

    lines = ChangeLog.objects.order_by("pk")[before:]
    assert [(line.table_name, line.row_id, line.verb) for line in lines] == [
        ("reps_team", pk, "U") for pk in ids[1:]
    ]
    assert len({line.transaction for line in lines}) == 1


@on_postgres
def test_the_log_does_not_depend_on_the_time_zone_of_the_session():
    rep = make.rep("ann")
    digests = []
    for zone in ("Asia/Tokyo", "UTC"):
        run(f"SET LOCAL timezone = '{zone}'")
        run("UPDATE reps_rep SET paused_at = '2026-01-01 00:00:00+00' WHERE id = %s", rep.pk)
        digests.append(ChangeLog.objects.filter(table_name="reps_rep").latest("pk").digest)
        run("UPDATE reps_rep SET paused_at = NULL WHERE id = %s", rep.pk)

    assert digests[0] == digests[1]


GROWING = triggers.guarded_tables()


@on_postgres
@pytest.mark.parametrize("table", GROWING)
@pytest.mark.parametrize("verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_what_only_grows_refuses_to_be_changed(table, verb):
    make.saved(Team(name="North"))
    make.rep("ann")
    with connection.cursor() as cursor:
        pk = connection.introspection.get_primary_key_column(cursor, table)
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        (rows,) = cursor.fetchone()
    if not rows:
        pytest.skip("no row of this kind in this scene")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(verb.format(table, pk))


@on_postgres
def test_what_only_grows_is_emptied_in_maintenance_only():
    settle()
    run(f"SET LOCAL {triggers.MAINTENANCE} = 'off'")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run("TRUNCATE reps_auditevent CASCADE")

    run(f"SET LOCAL {triggers.MAINTENANCE} = 'on'")
    run("TRUNCATE reps_auditevent CASCADE")

    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_histories_refuse_by_their_models_too_whatever_the_database_is(model):
    make.saved(CASES[model].unsaved())
    row = model.history.first()

    for write in (row.save, row.delete, model.history.all().delete, type(row).objects.all().delete):
        with pytest.raises(TrailIsAppendOnly), transaction.atomic():
            write()


@pytest.mark.parametrize("model", [AuditEvent, AuditAnchor, ChangeLog])
def test_trail_anchors_and_log_refuse_by_their_models_too(model):
    rows = model.objects.all()

    for write in (rows.delete, lambda: rows.update(pk=1), lambda: rows.bulk_update([], [])):
        with pytest.raises(TrailIsAppendOnly):
            write()
