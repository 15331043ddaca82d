"""Limits on requests, tokens, cost and concurrency, exact over workers and machines."""

from .plugin import Limiter

__all__ = ["Limiter"]
