"""
The demo provider: invented companies that look like answers of a data vendor. Nothing leaves.

The same company always gets the same answer, and the same wait: most answer at once, one in five
only after the deadline, so that late data can be seen.
"""

import hashlib
from datetime import timedelta
from typing import Any

LATE_AFTER = timedelta(seconds=12)
STAGES = ("Seed", "Series A", "Series B", "Series C", "Public")
TOOLS = ("Salesforce", "HubSpot", "Snowflake", "AWS", "Azure", "Segment", "Marketo", "Slack")
TOPICS = ("lead routing", "sales automation", "data quality", "CRM migration", "ABM")
SIZES = (18, 42, 85, 160, 340, 720, 1500, 5200, 12_000)
MAPPING = {
    "employees": "company.employees",
    "revenue": "company.revenue",
    "funding_stage": "company.funding",
    "technologies": "technology[].name",
    "topics": "intent.topics",
}


def wait_for(key: str) -> timedelta:
    """How long the provider takes for a company."""
    return LATE_AFTER if _number(key, 0) % 5 == 0 else timedelta(0)


def answer(key: str) -> dict[str, Any] | None:
    """What it says of a company; it does not know every one."""
    if _number(key, 1) % 7 == 0:
        return None
    size = SIZES[_number(key, 2) % len(SIZES)]
    first, second = _number(key, 3), _number(key, 4)
    return {
        "company": {
            "employees": size,
            "revenue": size * (90_000 + first % 140_000),
            "funding": STAGES[second % len(STAGES)],
        },
        "technology": [
            {"name": TOOLS[(first + step) % len(TOOLS)]} for step in range(1 + second % 3)
        ],
        "intent": {"topics": [TOPICS[(second + step) % len(TOPICS)] for step in range(2)]},
    }


def _number(key: str, salt: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}:{key}".encode()).digest()[:4], "big")
