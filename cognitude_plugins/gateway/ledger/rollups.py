"""What rows come to, per minute, hour and day, and per key and user: pure sums, not yet in the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .records import Entry
from .sketch import Buckets, bucket, merge

SUMS: Final = (
    "calls",
    "errors",
    "hits",
    "incomplete",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "saved_nano_usd",
    "unpriced",
    "latency_us_sum",
)
NO_PLUGIN: Final = ("provider", "error", "dry_run")
"""Sources that are no plugin. A hit is a good answer of a plugin: no provider was paid for it."""

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

Amounts = tuple[int, ...]
"""In the order of `SUMS`."""
Key = tuple[str, int, str, str]
"""Organization, start, model, provider."""
IdentityKey = tuple[str, int, str, str, str, str]
"""Organization, start, key, user, model, provider."""


@dataclass(slots=True)
class Cell:
    """One row of sums: in the order of `SUMS`, and where the latencies are kept, these."""

    sums: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    buckets: Buckets = field(default_factory=dict)

    def merge(self, other: Cell) -> None:
        self.sums = [mine + its for mine, its in zip(self.sums, other.sums, strict=True)]
        merge(self.buckets, other.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollups:
    """The coarser sums follow from the minutes."""

    minutes: Mapping[Key, Cell]
    identities: Mapping[IdentityKey, Cell]

    def per(self, width: int) -> dict[Key, Cell]:
        """The minutes added up to hours or days."""
        wider: dict[Key, Cell] = {}
        for (organization, start, model, provider), cell in self.minutes.items():
            wider.setdefault((organization, start - start % width, model, provider), Cell()).merge(cell)
        return wider


def rollups(rows: Iterable[Entry]) -> Rollups:
    minutes: defaultdict[Key, list[Amounts]] = defaultdict(list)
    identities: defaultdict[IdentityKey, list[Amounts]] = defaultdict(list)
    for row in rows:
        time, amounts = row["time_ms"], amounts_of(row)
        organization, model, provider = row["organization"], row["model"], row["provider"]
        minutes[organization, time - time % MINUTE_MS, model, provider].append(amounts)
        identity = (organization, time - time % DAY_MS, row["key"], row["user"] or "", model, provider)
        identities[identity].append(amounts)
    return Rollups(
        minutes={key: Cell(_added(found), _buckets(found)) for key, found in minutes.items()},
        identities={key: Cell(_added(found)) for key, found in identities.items()},
    )


def amounts_of(row: Mapping[str, Any]) -> Amounts:
    """What one row adds to each of `SUMS`."""
    cost, status = row["cost_nano_usd"], row["status"]
    return (
        1,
        1 if status >= 400 else 0,
        1 if status < 400 and row["source"] not in NO_PLUGIN else 0,
        0 if row["complete"] else 1,
        row["prompt_tokens"] or 0,
        row["completion_tokens"] or 0,
        row["cached_tokens"] or 0,
        row["reasoning_tokens"] or 0,
        cost or 0,
        row["saved_nano_usd"],
        1 if cost is None else 0,
        row["latency_us"],
    )


def _added(found: list[Amounts]) -> list[int]:
    return list(map(sum, zip(*found, strict=True)))


def _buckets(found: list[Amounts]) -> Buckets:
    return Counter(bucket(amounts[-1]) for amounts in found)
