"""The simulated model in this process: one app for each different set of options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.asgi import AsgiProvider
from cognitude_plugins.gateway.providers.provider import Target
from hooks import Call, Reply, thaw

from .app import SimulatedApp, simulate_app
from .settings import Settings


class SimulatedProvider:
    """Settings come from ``Target.options``; deployments with equal options share an app and its counts."""

    def __init__(self) -> None:
        self._apps: dict[str, tuple[SimulatedApp, AsgiProvider]] = {}
        self._recent: tuple[Mapping[str, Any], AsgiProvider] | None = None

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        for _, provider in self._apps.values():
            await provider.stop()

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        recent = self._recent
        if recent is None or recent[0] is not target.options:
            recent = self._recent = (target.options, self._found(target.options)[1])
        return await recent[1].send(call, body, target, headers)

    def app_for(self, options: Mapping[str, Any]) -> SimulatedApp:
        """The app that answers targets with these options. Raises ``ValueError`` when they are wrong."""
        return self._found(options)[0]

    def _found(self, options: Mapping[str, Any]) -> tuple[SimulatedApp, AsgiProvider]:
        values = thaw(options)
        key = CODEC.dumps(sorted(values.items())).decode()
        if key not in self._apps:
            app = simulate_app(Settings.of(values))
            self._apps[key] = (app, AsgiProvider(app))
        return self._apps[key]
