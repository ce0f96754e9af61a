"""What a lead shows of its clocks: the next deadline, or until when they stand still."""

from collections.abc import Sequence

from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing.models import Lead
from sla.models import Clock, Pause


def refresh_promises(lead_ids: Sequence[int]) -> None:
    """
    Write each lead's next deadline on the lead, for lists and queues.

    A clock that stands still has none; the lead says until when instead.
    """
    running = Clock.objects.filter(
        lead__in=lead_ids, state=Clock.State.RUNNING, paused_at__isnull=True
    )
    # The nearest deadline is read last and so stays.
    nearest = {
        lead: (due, metric, started)
        for lead, due, metric, started in running.order_by("-due_at", "-pk").values_list(
            "lead_id", "due_at", "metric", "started_at"
        )
    }
    paused = dict(
        Pause.objects.filter(lead__in=lead_ids, ended_at__isnull=True).values_list(
            "lead_id", "resume_at"
        )
    )
    rows = []
    for pk in lead_ids:
        due, metric, started = nearest.get(pk, (None, "", None))
        rows.append(
            {
                "pk": pk,
                "due_at": due,
                "due_what": metric,
                "due_from": started,
                "paused_until": paused.get(pk),
            }
        )
    with bulk_writer("promise"):
        # Derived from the clocks, so history leaves these columns out.
        update_many(Lead, rows)
