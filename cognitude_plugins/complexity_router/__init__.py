"""The cheapest model that is good enough: what a prompt looks like, what is known of such prompts, and a decision."""

from .plugin import ComplexityRouter
from .settings import Config

__all__ = ["ComplexityRouter", "Config"]
