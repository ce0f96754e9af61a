"""The book of the rotation begins with what was owed before there was one."""

from django.db import migrations
from django.utils import timezone

ENTERED = "ENTERED"
REASON = "balance before the ledger"
AT_ONCE = 1000


def open_the_book(apps, schema_editor):
    """Write a line for every balance that no line explains, so that lines add up to balances."""
    lines, standings = (apps.get_model("routing", name) for name in ("BalanceLine", "PoolStanding"))
    in_the_book = set(lines.objects.values_list("pool_id", "rep_id", "lane").distinct())
    at = timezone.now()
    lines.objects.bulk_create(
        [
            lines(
                pool_id=row.pool_id,
                rep_id=row.rep_id,
                lane=row.lane,
                kind=ENTERED,
                units=row.balance,
                balance_after=row.balance,
                at=at,
                reason=REASON,
            )
            for row in standings.objects.exclude(balance=0).order_by("pool_id", "lane", "rep_id")
            if (row.pool_id, row.rep_id, row.lane) not in in_the_book
        ],
        batch_size=AT_ONCE,
    )


def close_the_book(apps, schema_editor):
    lines = apps.get_model("routing", "BalanceLine")
    lines.objects.filter(kind=ENTERED, reason=REASON, batch=None).delete()


class Migration(migrations.Migration):
    dependencies = [("routing", "0003_routing_brain")]

    operations = [migrations.RunPython(open_the_book, close_the_book)]
