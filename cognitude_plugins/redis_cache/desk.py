"""Everything of the cache that lives from start-up to shutdown, and what its endpoints ask of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from hooks import EVERY_ORGANIZATION, Gateway, Ledger, Unavailable

from . import stored
from .cache import Cache
from .cold import Cold
from .entry import Entry, Unreadable, unpack
from .hot import Away, Hot
from .layers import LAYERS, Layers
from .recent import Recent
from .settings import Config
from .stored import Wanted
from .timings import Timings

log: Final = logging.getLogger("cognitude.redis_cache")

_DAY_MS: Final = 86_400_000
_PATIENCE_SECONDS: Final = 5.0
_INFO: Final = ("connected_clients", "used_memory_human", "uptime_in_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``keys`` of the answers that were found, or deleted, over all layers; ``bytes`` as far as they are known."""

    keys: Sequence[str]
    bytes: int


class Desk:
    """What is opened is there between start-up and shutdown only."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cache: Cache | None = None
        self.hot: Hot | None = None
        self.cold: Cold | None = None
        self._ledger: Ledger | None = None
        self._recent = Recent(most_bytes=config.memory_bytes, seconds=config.memory_seconds, clock=time.monotonic)
        self._secret = b""

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[Cache]:
        """Raises `hooks.Unavailable` when the database does not give the installation's secret."""
        async with AsyncExitStack() as stack:
            self._secret = await _secret(gateway)
            self._ledger = gateway.ledger
            if gateway.cache is not None and self.config.redis:
                self.hot = Hot(gateway.cache, timeout=self.config.redis_timeout, ttl=self.config.redis_ttl)
                stack.push_async_callback(self.hot.close)
            if self.config.sql:
                self.cold = Cold(gateway.database)
                stack.push_async_callback(self.cold.close)
                if self.hot is not None:
                    self.cold.follow()
            layers = Layers(
                secret=self._secret,
                recent=self._recent,
                hot=self.hot,
                cold=self.cold,
                now=now_ms,
                grace=self.config.stale_if_error,
            )
            if layers.relay is not None:
                stack.push_async_callback(layers.relay.close)
            self.cache = Cache(self.config, secret=self._secret, layers=layers, gateway=gateway, now=now_ms)
            yield self.cache

    async def sweep(self) -> None:
        """Forget what need not be kept longer."""
        days, most = self.config.sql_days, self.config.sql_bytes
        if self.cold is not None:
            now = now_ms()
            before = None if days is None else now - days * _DAY_MS
            await self.cold.forget(now_ms=now, before_ms=before, most_bytes=most)

    async def renew(self) -> None:
        """What this worker is about to get from a provider it is still about to get."""
        if self.cache is not None:
            await self.cache.layers.renew()

    async def find(self, wanted: Wanted) -> Found:
        """Raises `hooks.Unavailable`, `Away`."""
        return await self._found(wanted, delete=False)

    async def remove(self, wanted: Wanted) -> Found:
        """In every layer; other workers' memories forget them within ``memory_seconds``. Raises the same."""
        return await self._found(wanted, delete=True)

    async def show(self, organization: str, key: str) -> Entry | None:
        """Of one answer what is kept."""
        return None if self.cache is None else await self.cache.layers.find(organization, key)

    async def stats(self, organization: str, days: int) -> dict[str, Any]:
        """The fields of `CacheStats`; what the database does not tell is None."""
        if self.cache is None or self._ledger is None:
            return {}
        layers = self.cache.layers
        entries, size = await self._counted(organization)
        return {
            **await self._booked(self._ledger, organization, days),
            "total_entries": entries,
            "bytes": size,
            "redis_available": self.hot is not None and self.hot.up,
            "redis_entries": await self._in_redis_now(organization),
            "redis_hits": layers.timings["redis"].count,
            "worker": {
                **self._states(self.cache, organization),
                "memory_entries": len(self._recent),
                "memory_bytes": self._recent.bytes,
                "unreadable": dict(layers.unreadable),
                "layers": {layer: _timed(layers.timings[layer]) for layer in LAYERS},
            },
        }

    @staticmethod
    def _states(cache: Cache, organization: str) -> dict[str, Any]:
        hits, stale, coalesced, misses = (
            cache.counts[organization, one] for one in ("hit", "stale", "coalesced", "miss")
        )
        asked = hits + stale + coalesced + misses
        return {
            "hits": hits,
            "stale": stale,
            "coalesced": coalesced,
            "misses": misses,
            "hit_rate": (asked - misses) / asked if asked else None,
        }

    @staticmethod
    async def _booked(ledger: Ledger, organization: str, days: int) -> dict[str, Any]:
        """Of all workers."""
        since = datetime.now(UTC) - timedelta(days=days)
        try:
            [sums] = await ledger.usage(organization, since=since)
        except Unavailable:
            return dict.fromkeys(("total_calls", "total_hits", "hit_rate", "saved_nano_usd"))
        return {
            "total_calls": sums.calls,
            "total_hits": sums.hits,
            "hit_rate": sums.hits / sums.calls if sums.calls else None,
            "saved_nano_usd": sums.saved_nano_usd,
        }

    async def health(self) -> dict[str, Any]:
        status: dict[str, Any] = {"status": "ok"}
        if self.hot is not None:
            try:
                info = await self.hot.info()
                status["redis"] = {"status": "ok", **{name: info.get(name) for name in _INFO}}
            except Away:
                status |= {"status": "degraded", "redis": {"status": "unavailable"}}
        if self.cold is not None:
            status["sql"] = {"status": "ok" if self.cold.up else "unavailable", "dropped": self.cold.dropped}
            if not self.cold.up:
                status["status"] = "degraded"
        return status

    async def _counted(self, organization: str) -> tuple[int | None, int | None]:
        if self.cold is None:
            return None, None
        try:
            return await self.cold.count(organization)
        except Unavailable:
            return None, None

    async def _in_redis_now(self, organization: str) -> int | None:
        if self.hot is None or not self.hot.up:
            return None
        try:
            return await self.hot.count(organization)
        except Away:
            return None

    async def _found(self, wanted: Wanted, *, delete: bool) -> Found:
        sizes: dict[str, int] = {}
        if self.cold is not None:
            sizes |= dict(await self.cold.find(wanted))
        if self.hot is not None:
            sizes |= dict(await self._in_redis(self.hot, wanted))
        if delete:
            if self.cold is not None:
                await self.cold.remove(wanted)
            if self.hot is not None:
                await self.hot.remove(wanted.organization, list(sizes))
            self._recent.remove(wanted.organization)
        return Found(keys=sorted(sizes), bytes=sum(sizes.values()))

    async def _in_redis(self, hot: Hot, wanted: Wanted) -> list[tuple[str, int]]:
        found = []
        async for key, packed in hot.every(wanted.organization):
            try:
                entry = unpack(packed, key=key, secret=self._secret)
            except Unreadable:
                continue
            if wanted.fits(key, entry.model, entry.created_ms):
                found.append((key, len(packed)))
        return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


def _timed(timings: Timings) -> dict[str, Any]:
    p50, p95, p99 = map(_micros, timings.quantiles(0.5, 0.95, 0.99))
    return {"hits": timings.count, "p50_us": p50, "p95_us": p95, "p99_us": p99}


async def _secret(gateway: Gateway) -> bytes:
    """Made by whoever comes first. Raises `hooks.Unavailable`."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await gateway.database.write(EVERY_ORGANIZATION, stored.installation_secret)
        except IntegrityError:
            # Another process has made it in the meantime.
            continue
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
