"""What rows come to, per minute, hour and day, and by key, user and tag: pure sums, not yet in the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import orjson

from .records import clip_tag
from .row import COLUMNS
from .sketch import Buckets, bucket, merge

SUMS: Final = (
    "calls",
    "errors",
    "limited",
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
OF_DAY: Final = {"key": "key_day", "tag": "tag_day"}
"""Facets whose sums of whole days are kept beside those of quarters of an hour."""
NO_PLUGIN: Final = ("provider", "error", "dry_run", "hedge")
"""Sources that are no plugin. A hit is a good answer of a plugin: no provider was paid for it."""

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
TOTALLED: Final = (MINUTE_MS, QUARTER_MS, HOUR_MS, DAY_MS)
"""Widths of the sums of all models together."""

Amounts = tuple[int, ...]
"""In the order of `SUMS`."""
Key = tuple[str, int, str, str]
"""Organization, start, model, provider."""
IdentityKey = tuple[str, int, str, str, str, str]
"""Organization, start, key, user, model, provider."""
TotalKey = tuple[int, int, str]
"""Width, start, organization."""
FacetKey = tuple[str, int, str, str, str, str]
"""Organization, start, facet, value, model, provider."""
_Part = tuple[Amounts, tuple[int, ...]]
"""The sums of some rows, and the bucket of the latency of each."""


def _taking(*names: str) -> itemgetter[tuple[Any, ...]]:
    return itemgetter(*map(COLUMNS.index, names))


_named: Final = _taking("organization", "time_ms", "key", "user", "model", "provider", "tags")
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

    sums: Amounts = (0,) * len(SUMS)
    buckets: Buckets = field(default_factory=dict)

    def merge(self, other: Cell) -> None:
        self.sums = tuple(map(int.__add__, self.sums, other.sums))
        merge(self.buckets, other.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollups:
    """The coarser sums follow from the minutes."""

    minutes: Mapping[Key, Cell]
    identities: Mapping[IdentityKey, Cell]
    facet_minutes: Mapping[FacetKey, Cell]
    facet_quarters: Mapping[FacetKey, Cell]

    def per(self, width: int) -> dict[Key, Cell]:
        """The minutes added up to hours or days."""
        wider: dict[Key, Cell] = {}
        for (organization, start, model, provider), cell in self.minutes.items():
            wider.setdefault((organization, start - start % width, model, provider), Cell()).merge(cell)
        return wider

    def totals(self) -> dict[TotalKey, Cell]:
        """Of all models together, per minute, quarter of an hour, hour and day."""
        found: dict[TotalKey, Cell] = {}
        for (organization, start, _, _), cell in self.minutes.items():
            found.setdefault((MINUTE_MS, start, organization), Cell()).merge(cell)
        for (_, start, organization), cell in [*found.items()]:
            for width in TOTALLED[1:]:
                found.setdefault((width, start - start % width, organization), Cell()).merge(cell)
        return found


def rollups(rows: Iterable[Sequence[Any]]) -> Rollups:
    """Of rows in the order of `COLUMNS`."""
    minutes: defaultdict[Key, list[_Part]] = defaultdict(list)
    identities: defaultdict[IdentityKey, list[_Part]] = defaultdict(list)
    facet_minutes: defaultdict[FacetKey, list[_Part]] = defaultdict(list)
    facet_quarters: defaultdict[FacetKey, list[_Part]] = defaultdict(list)
    for (organization, minute, key, user, model, provider, tags), found in _grouped(rows).items():
        columns = tuple(zip(*found, strict=True))
        part = found[0] if len(found) == 1 else tuple(map(sum, columns)), tuple(map(bucket, columns[-1]))
        minutes[organization, minute, model, provider].append(part)
        identities[organization, minute - minute % DAY_MS, key, user, model, provider].append(part)
        quarter = minute - minute % QUARTER_MS
        facet_quarters[organization, quarter, "user", user, model, provider].append(part)
        for facet, value in (("key", key), *facets_of(tags)):
            facet_minutes[organization, minute, facet, value, model, provider].append(part)
            facet_quarters[organization, quarter, facet, value, model, provider].append(part)
            day = minute - minute % DAY_MS
            facet_quarters[organization, day, OF_DAY[facet], value, model, provider].append(part)
    return Rollups(
        minutes=_cells(minutes),
        identities={key: Cell(_added(found)) for key, found in identities.items()},
        facet_minutes=_cells(facet_minutes),
        facet_quarters=_cells(facet_quarters),
    )


def _grouped(rows: Iterable[Sequence[Any]]) -> Mapping[tuple[Any, ...], list[Amounts]]:
    """By minute and everything else that sums are kept by."""
    groups: defaultdict[tuple[Any, ...], list[Amounts]] = defaultdict(list)
    for row in rows:
        organization, time, key, user, model, provider, tags = _named(row)
        groups[organization, time - time % MINUTE_MS, key, user or "", model, provider, tags].append(amounts_of(row))
    return groups


@lru_cache(maxsize=4096)
def facets_of(tags: str) -> tuple[tuple[str, str], ...]:
    """Each tag of a row's JSON as a facet and its value."""
    if tags == "{}":
        return ()
    return tuple(dict.fromkeys(("tag", "=".join(clip_tag(*tag))) for tag in orjson.loads(tags).items()))


def amounts_of(row: Sequence[Any]) -> Amounts:
    """What one row adds to each of `SUMS`."""
    status, source, complete, prompt, completion, cached, reasoning, cost, saved, latency = _measured(row)
    return (
        1,
        1 if status >= 400 else 0,
        1 if status == 429 else 0,
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


def _cells(groups: Mapping[Any, list[_Part]]) -> dict[Any, Cell]:
    return {key: Cell(_added(found), _counted(found)) for key, found in groups.items()}


def _added(found: list[_Part]) -> Amounts:
    if len(found) == 1:
        return found[0][0]
    return tuple(map(sum, zip(*(sums for sums, _ in found), strict=True)))


def _counted(found: list[_Part]) -> Buckets:
    if len(found) == 1 and len(found[0][1]) == 1:
        return {found[0][1][0]: 1}
    return Counter(chain.from_iterable(buckets for _, buckets in found))
