"""What the ids in rules are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accounts.models import Territory
from reps.models import Rep, Skill, Team
from routing.models import Pool, Queue

REP_FACTS = (
    "account_owner",
    "parent_account_owner",
    "opportunity_owner",
    "former_owner",
    "account_team",
    "account_ae",
    "account_sdr",
    "account_backup",
    "account_cover",
    "parent_account_backup",
    "parent_account_cover",
    "territory_cover",
    "handed_back",
)


@dataclass(frozen=True)
class Names:
    """The names of records by id; read once for a whole page."""

    pools: Mapping[int, str] = field(default_factory=dict)
    queues: Mapping[int, str] = field(default_factory=dict)
    reps: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)
    territories: Mapping[int, str] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Names":
        """Read every name that a rule can use: six statements."""
        return cls(
            pools=dict(Pool.objects.values_list("pk", "name")),
            queues=dict(Queue.objects.values_list("pk", "name")),
            reps={rep.pk: str(rep) for rep in Rep.objects.select_related("user")},
            teams=dict(Team.objects.values_list("pk", "name")),
            territories=dict(Territory.objects.values_list("pk", "name")),
            skills=dict(Skill.objects.values_list("slug", "name")),
        )

    def of_fact(self, fact: str) -> Mapping[int, str]:
        """What the ids that this fact holds, or lists, are called."""
        if fact in REP_FACTS:
            return self.reps
        return self.territories if fact == "territory" else {}
