"""Defaults, caps, forbidden fields and a system prompt prefix for request parameters."""

from .plugin import RequestDefaults

__all__ = ["RequestDefaults"]
