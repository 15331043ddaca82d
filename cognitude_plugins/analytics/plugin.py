"""The analytics plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hooks import Call, Gateway, Metric, Payload, Section, hookimpl

from .desk import Desk
from .prompts.fingerprint import fingerprint
from .settings import Config

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute


class Analytics:
    """One that fails costs knowledge, not answers. ``now`` is for tests."""

    on_error = "skip"

    def __init__(
        self, config: Config, *, name: str = "analytics", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._name = name
        self._desk = Desk(config, now=now)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        async with self._desk.opened(gateway):
            yield

    @hookimpl
    def pre_request(self, call: Call) -> None:
        """What was asked, before plugins further down change it: they do so for a miss and not for a hit."""
        if self._desk.config.fingerprints and not call.dry_run:
            call.state[self._name] = call.payload

    @hookimpl
    def post_response(self, call: Call) -> None:
        if self._desk.config.fingerprints and not call.dry_run:
            asked = call.state.get(self._name)
            payload = asked if isinstance(asked, Payload) else call.payload
            call.record(fingerprint=fingerprint(call.caller.organization, call.api, payload.peek()))

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        from .api import routes

        return routes(self._desk)

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        from .commands import register

        register(cli)

    @hookimpl
    def metrics(self) -> Iterable[Metric]:
        from .offered import metrics

        return metrics(self._desk)

    @hookimpl
    def sections(self) -> Iterable[Section]:
        from .offered import sections

        return sections(self._desk)
