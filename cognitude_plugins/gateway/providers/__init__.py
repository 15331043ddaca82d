"""Ways to a model: direct, litellm, asgi, simulated. All of them are a `Provider`."""

from .provider import Broke, Provider, ProviderError, Target, Timeouts

__all__ = ["Broke", "Provider", "ProviderError", "Target", "Timeouts"]
