"""
What routing announces, inside the transaction of the change.

One signal per batch; receivers cost the same number of statements for 2 leads and 200.
"""

from django.dispatch import Signal

# leads: new leads, which nobody owns yet; at.
leads_received = Signal()
# moves: the placements that were made, in order (routing.ownership.Placed); at; driver.
leads_placed = Signal()
# leads: list of leads; by; at. The holder confirmed having seen them.
leads_acknowledged = Signal()
# leads; by; at. A person was reached; an attempt only is not announced.
leads_contacted = Signal()
# leads; kind: what became of them (Outcome.Kind); by; at. WON and LOST move the lead instead.
outcomes_recorded = Signal()
# leads: owned leads whose person raised their hand again, and is to be contacted anew; told: the
# leads whose owners are to hear that the person came again; also: owner → who stands in for them
# while they are away, and hears of it too; at.
leads_raised_again = Signal()
