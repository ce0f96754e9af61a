"""What is handed over when a rep leaves: one line per kind."""

from routing.offboarding import history, registry
from routing.offboarding.kinds import answering, leads, market, people, pools, rules

KINDS = (
    leads.OpenLeads(),
    market.NamedAccounts(),
    market.OpenDeals(),
    market.Territories(),
    market.TerritoryBackups(),
    market.FurtherBackups(),
    market.StandsIn(),
    pools.Turns(),
    people.BackupOfReps(),
    people.DelegateOf(),
    people.ManagerOf(),
    people.DeputyOf(),
    people.OwnFeed(),
    answering.AnswersForQueues(),
    answering.AnswersForOrganisation(),
    answering.Leadership(),
    answering.LooksAfterScore(),
    answering.SignsForMarketing(),
    answering.SignsForSales(),
    answering.AnswersForLeads(),
    answering.WantedInRequests(),
    answering.DecidesRequests(),
    answering.DecidesDisputes(),
    rules.NamingRules(),
    rules.GoldenLeads(),
)


def register() -> None:
    """Make the kinds and the history known; the app does this when it is ready."""
    for kind in KINDS:
        registry.register(kind)
    history.register()
