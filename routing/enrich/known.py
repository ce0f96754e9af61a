"""What is known about leads beyond what their people said: the values that count now."""

from collections.abc import Collection
from datetime import datetime

from routing.enrich.waterfall import Value, choose, read_all
from routing.models import Enrichment


def of_leads(ids: Collection[int], *, at: datetime) -> dict[int, dict[str, Value]]:
    """Return lead id → field → value; one statement. A value past its time is left out."""
    rows = Enrichment.objects.filter(lead__in=ids).values_list("lead_id", "values")
    return {lead: choose(read_all(values), at=at) for lead, values in rows}
