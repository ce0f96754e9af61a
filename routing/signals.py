"""
What routing announces, inside the transaction of the change.

One signal per batch; receivers cost the same number of statements for 2 leads and 200.
"""

from django.dispatch import Signal

# moves: the placements that were made, in order (routing.ownership.Placed); at; driver.
leads_placed = Signal()
# leads: list of leads; by; at. The holder confirmed having seen them.
leads_acknowledged = Signal()
# leads; by; at. A person was reached, or tried.
leads_contacted = Signal()
# leads: owned leads whose person raised their hand again; at.
leads_raised_again = Signal()
