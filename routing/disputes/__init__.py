"""Disputes about leads and accounts: both claims, the policy's answer, a deadline, a ruling."""
