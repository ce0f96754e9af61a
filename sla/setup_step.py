"""The step of the set-up guide about promises."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from routing import setup_guide
from routing.setup_guide import State, Step
from sla.models import Policy


def _policies() -> State:
    number = Policy.objects.filter(is_active=True).count()
    words = _("promise") if number == 1 else _("promises")
    return State(bool(number), f"{number} {words}" if number else "")


setup_guide.register(
    Step(
        "promises",
        90,
        lazy("A promise about time"),
        lazy("How quickly a lead is acknowledged, and who hears of it when it is late."),
        _policies,
        links=((lazy("Your own"), "policy_add"), (lazy("All"), "policies")),
        one_click=(
            (lazy("15 minutes to acknowledge"), "policy_standard", "standard"),
            (lazy("Hot inbound in 5 minutes"), "policy_template", "hot_inbound"),
        ),
    )
)
