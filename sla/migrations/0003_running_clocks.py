"""
Clocks from before know their limit, and how much of their time each step is.

They keep the deadline they have. Which hours they were started in was not kept then: one that is
paused later goes on around the clock, which never gives less than was promised.
"""

from django.db import migrations

BATCH = 2000


def complete_clocks(apps, schema_editor):
    clock = apps.get_model("sla", "Clock")
    rows = []
    for one in clock.objects.select_related("policy").iterator(chunk_size=BATCH):
        one.first_due_at = one.due_at
        one.budget = one.policy.budget
        whole = max(1.0, (one.due_at - one.started_at).total_seconds())
        for step in one.steps:
            passed = step["at"] - one.started_at.timestamp()
            step.setdefault("after", max(1, round(one.budget * passed / whole)))
        rows.append(one)
    clock.objects.bulk_update(rows, ["first_due_at", "budget", "steps"], batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("sla", "0002_promises")]

    operations = [migrations.RunPython(complete_clocks, migrations.RunPython.noop)]
