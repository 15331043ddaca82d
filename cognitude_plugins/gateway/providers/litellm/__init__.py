"""Every provider that does not speak the OpenAI API, translated by LiteLLM, which is imported on first use only."""

from .content import refused_url
from .parameters import RESERVED_OPTIONS
from .provider import LiteLLMProvider

__all__ = ["RESERVED_OPTIONS", "LiteLLMProvider", "refused_url"]
