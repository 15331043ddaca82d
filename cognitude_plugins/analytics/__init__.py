"""Where the money goes, what to change, what it will cost: read from the ledger."""

from .plugin import Analytics

__all__ = ["Analytics"]
