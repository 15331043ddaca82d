"""Amounts that may be spent, and how far they are."""
