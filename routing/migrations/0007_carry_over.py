"""What is there gets its place in the new tables: the score, and people to be compared."""

from django.db import migrations
from django.db.models import F


def carry_over(apps, schema_editor):
    """
    The lines of the score become the first version of the model; every lead keeps the score it
    has as the one it came with; everybody is compared with everybody once.

    Services write, for the trail wants to know; with nothing to carry over nothing is called, so
    that a new installation does not depend on what they will look like.
    """
    from reps.due.clock import database_now

    apps.get_model("routing", "Prospect").objects.update(compare_at=database_now())
    _keep_scores(apps, schema_editor)
    factors = list(apps.get_model("routing", "ScoreFactor").objects.order_by("-points", "name"))
    if factors:
        _publish(factors)


def _keep_scores(apps, schema_editor):
    lead, history = (apps.get_model("routing", name) for name in ("Lead", "HistoricalLead"))
    table = schema_editor.quote_name(lead._meta.db_table)
    on_a_server = schema_editor.connection.vendor == "postgresql"
    # A column that is new has no past: row and history get it alike, and no act is on record.
    if on_a_server:
        schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for model in (lead, history):
        model.objects.update(arrival_score=F("score"))
    if on_a_server:
        schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _publish(factors):
    from reps import trail
    from reps.due.clock import database_now
    from routing.models import ScoreModel
    from routing.qualify import score_body
    from routing.scoring import edit

    lines = [
        {"name": one.name, "condition": one.condition, "points": one.points, "active": one.is_active}
        for one in factors
    ]
    at, reason = database_now(), "The score as it was before it had versions"
    row = ScoreModel(version=1, body={**score_body.empty(), "factors": lines}, note=reason)
    trail.save(row, by=None, at=at, reason="carried over")
    edit.publish(reason=reason, by=None, at=at)


class Migration(migrations.Migration):
    dependencies = [("routing", "0006_clean_data")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
