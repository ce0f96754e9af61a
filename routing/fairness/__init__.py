"""Fair shares: the ledger of the rotation, its corrections, weights and limits."""
