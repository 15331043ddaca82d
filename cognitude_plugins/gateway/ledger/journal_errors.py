"""What the journal raises."""

from __future__ import annotations


class JournalError(Exception):
    """A row is not on the disk for certain; it may or may not be in the ledger later."""


class JournalFull(JournalError):
    """A row could not be recorded, and the policy is not to lose any."""
