"""
Run a CRM's past through the router on a virtual clock, without telling anybody.

Day by day: what was sold to whom *before* that day says which office an account belongs
to; the day's new leads come in and are routed; at its end the outcomes of that day close
leads and release capacity. Nothing of a later day is looked at. Leads are backfilled, so
no clock starts and no message is written; `Past` holds what the router may not see.
"""
