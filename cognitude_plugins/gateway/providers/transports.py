"""The transports a catalog needs, built without I/O. Those it does not need are not even imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .provider import Provider

if TYPE_CHECKING:
    from cognitude_plugins.gateway.models import Catalog
    from cognitude_plugins.gateway.outbound.guard import Guard


def transports(catalog: Catalog, proxy: str | None, guard: Guard | None = None) -> Mapping[str, Provider]:
    """A provider for every transport that a deployment of the catalog has. ``proxy`` is a URL or None.

    ``guard`` is for addresses that organizations name; by default the public internet alone.
    """
    found = [target for targets in catalog.models.values() for target in targets]
    wanted = {target.deployment.transport for target in (*found, *catalog.catch_all)}
    return {name: _build(name, proxy, guard) for name in sorted(wanted)}


def _build(name: str, proxy: str | None, guard: Guard | None) -> Provider:
    if name == "direct":
        from .direct import DirectProvider

        return DirectProvider(proxy, guard)
    if name == "litellm":
        from .litellm.provider import LiteLLMProvider

        return LiteLLMProvider(warm=True, proxy=proxy)
    if name == "simulated":
        from .simulated.provider import SimulatedProvider

        return SimulatedProvider()
    from .asgi_apps import AsgiApps

    return AsgiApps()
