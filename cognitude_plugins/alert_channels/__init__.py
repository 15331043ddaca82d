"""Rules and budgets watched, alerts told once, and summaries: by Slack, e-mail, webhooks and whatever is installed."""

from .plugin import AlertChannels

__all__ = ["AlertChannels"]
