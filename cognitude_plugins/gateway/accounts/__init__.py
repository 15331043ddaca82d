"""Accounts: organizations, users, keys and what they may do; providers' keys of their own."""
