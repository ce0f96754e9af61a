"""What the forms of the demo ask."""

from typing import Any

from routing.demo import market
from routing.models.source import STANDARD_FIELDS

LABELS = {
    "email": "Work e-mail",
    "title": "Job title",
    "region": "State or region",
    "employees": "How many people work there?",
    "product_interest": "What interests you?",
    "budget_range": "Yearly budget",
    "timeline": "When do you need it?",
    "message": "How can we help?",
}
CHOICES = {
    "product_interest": market.PRODUCTS,
    "budget_range": market.BUDGETS,
    "timeline": market.TIMELINES,
}
REQUIRED = ("first_name", "last_name", "email", "company")


def questions(*names: str) -> list[dict[str, Any]]:
    """Form questions by their standard names."""
    asked = []
    for name in names:
        assert name in STANDARD_FIELDS, name
        question: dict[str, Any] = {
            "name": name,
            "label": LABELS.get(name, name.replace("_", " ").capitalize()),
            "required": name in REQUIRED,
        }
        if name in CHOICES:
            question["choices"] = list(CHOICES[name])
        asked.append(question)
    return asked
