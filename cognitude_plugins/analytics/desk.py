"""What the endpoints of analytics ask: the configuration, and the gateway while there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from hooks import Gateway

from .settings import Config


class Desk:
    """``now`` is for tests."""

    def __init__(self, config: Config, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.config = config
        self.now = now
        self._gateway: Gateway | None = None

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[None]:
        self._gateway = gateway
        try:
            yield
        finally:
            self._gateway = None

    @property
    def gateway(self) -> Gateway:
        """Raises ``RuntimeError`` outside of `opened`."""
        if self._gateway is None:
            raise RuntimeError("analytics is not started")
        return self._gateway
