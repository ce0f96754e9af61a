"""What the demo promises: seconds where a real organisation has minutes."""

from typing import Any

CHAIN = [
    {"at_percent": 50, "do": "remind"},
    {"at_percent": 100, "do": "tell_manager"},
    {"at_percent": 200, "do": "to_backup"},
    {"at_percent": 300, "do": "to_manager"},
]
URGENT = {
    "any": [
        {"fact": "hand_raise", "op": "eq", "value": True},
        {"fact": "tier", "op": "eq", "value": "HOT"},
    ]
}
POLICIES: tuple[dict[str, Any], ...] = (
    {
        "name": "Hot leads: acknowledge in 40 seconds",
        "position": 10,
        "metric": "ACKNOWLEDGE",
        "scope": "LEAD",
        # Around the clock, so that a breach can be watched at any hour.
        "hours": "ALWAYS",
        "condition": URGENT,
        "budget": 40,
        "steps": CHAIN,
    },
    {
        "name": "All leads: acknowledge in 90 seconds of working time",
        "position": 20,
        "metric": "ACKNOWLEDGE",
        "scope": "LEAD",
        "hours": "REP",
        "condition": {"all": []},
        "budget": 90,
        "steps": CHAIN,
    },
    {
        "name": "First contact in 4 minutes of working time",
        "position": 10,
        "metric": "CONTACT",
        "scope": "LEAD",
        "hours": "REP",
        "condition": {"all": []},
        "budget": 240,
        "steps": [{"at_percent": 100, "do": "tell_manager"}],
    },
    {
        "name": "Inbound desk: claim in 45 seconds",
        "position": 10,
        "metric": "CLAIM",
        "scope": "LEAD",
        "hours": "ALWAYS",
        "condition": {"all": []},
        "budget": 45,
        "steps": [
            {"at_percent": 100, "do": "tell_manager"},
            {"at_percent": 600, "do": "to_manager"},
        ],
    },
)
