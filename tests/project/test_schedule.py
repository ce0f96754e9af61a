"""Every kind of due work has its tick, and every tick its task."""

from django.conf import settings

from config.celery import app
from reps.due import jobs


def test_every_kind_of_due_work_ticks_and_nothing_else_does():
    assert sorted(settings.DUE_JOBS) == sorted(jobs.names())


def test_the_beat_schedule_names_tasks_that_exist():
    app.autodiscover_tasks(force=True)

    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks


def test_each_tick_drains_one_kind_of_work():
    ticking = {
        entry["kwargs"]["job"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == "reps.drain"
    }

    assert ticking == set(jobs.names())


def test_ticks_come_at_least_once_a_second():
    for name in jobs.names():
        assert settings.CELERY_BEAT_SCHEDULE[f"due-{name}"]["schedule"] <= 1.0


def test_no_business_deadline_lives_in_a_message():
    assert settings.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
    assert settings.CELERY_TASK_REJECT_ON_WORKER_LOST is False


def test_every_job_can_say_how_long_its_oldest_row_has_waited(db):
    for name in jobs.names():
        assert jobs.get(name).oldest() is None
