"""Who left goes on being named by what the clocks remember."""

from routing.offboarding import registry

registry.keep("sla.Clock.holder", "A clock follows the custody of its lead, which is handed over.")
registry.keep("sla.Pause.by", "It says who paused; that stays true.")
registry.keep("sla.Pause.ended_by", "It says who ended the pause; that stays true.")
