"""The market: who could buy, and whose they are."""

from accounts.models.account import Account, AccountKey, Opportunity
from accounts.models.cover import Cover
from accounts.models.ownership import AccountOwner
from accounts.models.plan import PlannedTerritory, TerritoryPlan
from accounts.models.territory import Territory, TerritoryBackup, TerritoryImport

__all__ = [
    "Account",
    "AccountKey",
    "AccountOwner",
    "Cover",
    "Opportunity",
    "PlannedTerritory",
    "Territory",
    "TerritoryBackup",
    "TerritoryImport",
    "TerritoryPlan",
]
