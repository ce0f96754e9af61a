"""
What the steps of an escalation do.

| module     | holds                                                                  |
|------------|------------------------------------------------------------------------|
| `base`     | what a step looks at, what it leaves behind, the registry, the laws    |
| `telling`  | remind, tell the manager, alert leadership, raise the priority         |
| `moving`   | to the backup, to the manager, into a queue                            |
| `choosing` | to somebody of a pool, or routed anew: the engine chooses              |

A new action is its line in `sla.chain.ACTIONS`, a function here and its words in `sla.messages`.
"""

from sla.services.steps import choosing, moving, telling  # noqa: F401 - register their actions
from sla.services.steps.base import Context, Outcome, names, reaching, take

__all__ = ["Context", "Outcome", "names", "reaching", "take"]
