"""What rows come to, per minute, hour and day, and per key and user: pure sums, not yet in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from .row import COLUMNS
from .sketch import Buckets, counted, merge

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
NO_PLUGIN: Final = ("provider", "error", "dry_run", "hedge")
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


def _taking(*names: str) -> itemgetter[tuple[Any, ...]]:
    return itemgetter(*map(COLUMNS.index, names))


_named: Final = _taking("organization", "time_ms", "key", "user", "model", "provider")
_measured: Final = _taking(
    "status",
    "source",
    "complete",
    *("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"),
    *("cost_nano_usd", "saved_nano_usd", "latency_us"),
)


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


def rollups(rows: Iterable[Sequence[Any]]) -> Rollups:
    """Of rows in the order of `COLUMNS`."""
    groups: defaultdict[IdentityKey, list[Amounts]] = defaultdict(list)
    for row in rows:
        organization, time, key, user, model, provider = _named(row)
        groups[organization, time - time % MINUTE_MS, key, user or "", model, provider].append(amounts_of(row))
    minutes: defaultdict[Key, list[Amounts]] = defaultdict(list)
    latencies: defaultdict[Key, list[Amounts]] = defaultdict(list)
    identities: defaultdict[IdentityKey, list[Amounts]] = defaultdict(list)
    for (organization, minute, key, user, model, provider), found in groups.items():
        columns = tuple(zip(*found, strict=True))
        sums = tuple(map(sum, columns))
        minutes[organization, minute, model, provider].append(sums)
        latencies[organization, minute, model, provider].append(columns[-1])
        identities[organization, minute - minute % DAY_MS, key, user, model, provider].append(sums)
    return Rollups(
        minutes={key: Cell(_added(found), counted(chain(*latencies[key]))) for key, found in minutes.items()},
        identities={key: Cell(_added(found)) for key, found in identities.items()},
    )


def amounts_of(row: Sequence[Any]) -> Amounts:
    """What one row adds to each of `SUMS`."""
    status, source, complete, prompt, completion, cached, reasoning, cost, saved, latency = _measured(row)
    return (
        1,
        1 if status >= 400 else 0,
        1 if status < 400 and source not in NO_PLUGIN else 0,
        0 if complete else 1,
        prompt or 0,
        completion or 0,
        cached or 0,
        reasoning or 0,
        cost or 0,
        saved,
        1 if cost is None else 0,
        latency,
    )


def _added(found: list[Amounts]) -> list[int]:
    return list(map(sum, zip(*found, strict=True)))
