"""What people's services announce, inside the transaction of the change."""

from django.dispatch import Signal

# rep; by; at; reason; driver. The rep takes no more leads; what they hold needs a new place.
rep_left = Signal()
# rep; by; at. The rep can take leads again, or more than before.
rep_available = Signal()
# rep. Sent before the row of a rep is changed: take the lock that comes earlier in the order
# (load).
rep_changing = Signal()
# rep. Sent before the row of a leaving rep is changed: take the locks that come earlier in
# the order (leads, loads).
rep_leaving = Signal()
# alarm; at. Something is wrong that nobody has been told of yet.
alarm_raised = Signal()
