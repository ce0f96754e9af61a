"""The market: who could buy, and whose they are."""

from accounts.models.account import Account, AccountKey, Opportunity
from accounts.models.cover import Cover
from accounts.models.ownership import AccountOwner
from accounts.models.territory import Territory

__all__ = ["Account", "AccountKey", "AccountOwner", "Cover", "Opportunity", "Territory"]
