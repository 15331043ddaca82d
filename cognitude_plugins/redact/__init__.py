"""Personal data and secrets replaced by placeholders on the way out and put back on the way in."""

from .plugin import Redact

__all__ = ["Redact"]
