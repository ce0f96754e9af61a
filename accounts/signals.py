"""What the market's services announce, inside the transaction of the change."""

from django.dispatch import Signal

# plan; changes; by; at. The territories are now as the plan wants them.
plan_took_effect = Signal()
# plan; changes; by; at. They are as they were before the plan, but for its exceptions.
plan_undone = Signal()
# plan; by; at. Somebody else is to approve it.
approval_asked = Signal()
# plan; by; at; granted; reason; to. Whoever asked is to know.
approval_answered = Signal()
# plan; at. It is due and cannot take effect; `plan.error` says why.
plan_stuck = Signal()
