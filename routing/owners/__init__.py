"""Who should own a lead or an account, and why: the owner order as the live rules have it."""
