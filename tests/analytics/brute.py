"""What `look_back` finds, from rows in plain loops: another way to the same, to hold the SQL against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from cognitude_plugins.analytics.recommendations.cells import Group
from cognitude_plugins.analytics.recommendations.sizes import TIERS, size_of

Row = Mapping[str, Any]
CACHEABLE = ("chat", "completions", "embeddings")


class Brute:
    def __init__(self, rows: Sequence[Row], middle_ms: int) -> None:
        self.middle = middle_ms
        good = [row for row in rows if row["status"] == 200 and row["complete"] and not _own(row)]
        self.paid = [row for row in good if row["source"] == "provider" and row["deployment"] and row["cost_nano_usd"]]
        caches = [row for row in good if row["source"] not in ("provider", "error", "hedge", "dry_run")]
        self.answers = [row for row in [*self.paid, *caches] if row["shape_digest"] is not None]

    def half(self, row: Row) -> int:
        return 0 if row["time_ms"] < self.middle else 1

    def group(self, row: Row) -> Group:
        short = (row["prompt_tokens"] or 0) <= 256 and (row["completion_tokens"] or 0) < 256
        return Group(row["deployment"], row["requested_model"], row["complexity"], int(short))

    def is_repeat(self, row: Row) -> bool:
        return row["api"] in CACHEABLE and any(
            other["request_digest"] == row["request_digest"] and other["time_ms"] < row["time_ms"]
            for other in self.answers
            if other["api"] in CACHEABLE
        )

    def is_near(self, row: Row) -> bool:
        if row["api"] not in CACHEABLE or row["request_digest"] is None or self.is_repeat(row) or _tokens(row) < 100:
            return False
        alike = [
            other
            for other in self.answers
            if all(other[name] == row[name] for name in ("shape_digest", "requested_model"))
            and (other["max_tokens"] or 0) == (row["max_tokens"] or 0)
            and other["api"] in CACHEABLE
            and _tokens(other) >= 100
        ]
        several = len({other["request_digest"] for other in alike}) > 1
        return several and min(other["time_ms"] for other in alike) < row["time_ms"]

    def cells(self) -> dict[Any, tuple[int, ...]]:
        """Calls, cost, prompt, completion, cached, limited, limits and cut by what cells are told apart by."""
        found: dict[Any, list[int]] = defaultdict(lambda: [0] * 8)
        for row in self.paid:
            prompt, completion = _tokens(row), row["completion_tokens"] or 0
            repeat = int(row["request_digest"] is not None and self.is_repeat(row))
            near = int(row["shape_digest"] is not None and self.is_near(row))
            tier = sum(prompt > bound for bound in TIERS)
            key = (self.half(row), *self.group(row), tier, size_of(completion), repeat, near)
            limit = row["max_tokens"]
            amounts = (1, row["cost_nano_usd"], prompt, completion, row["cached_tokens"] or 0)
            limits = (int(limit is not None), limit or 0, int(_cut(row)))
            found[key] = [one + more for one, more in zip(found[key], (*amounts, *limits), strict=True)]
        return {key: tuple(sums) for key, sums in found.items()}

    def repeats(self) -> dict[tuple[str, int], tuple[int, int, int]]:
        """Calls, cost and cost of what came soon, by reason and half."""
        ordered = sorted(
            (row for row in self.answers if row["api"] in CACHEABLE), key=lambda row: (row["time_ms"], _end(row))
        )
        seen: dict[int, list[Row]] = defaultdict(list)
        ages, again = [], []
        for row in ordered:
            before = seen[row["request_digest"]]
            kept = [one["time_ms"] for one in before if one["cache_key"] == row["cache_key"] and one in self.paid]
            age = row["time_ms"] - max(kept) if kept else None
            if row["source"] != "provider" and age is not None:
                ages.append(age)
            if row["source"] == "provider" and before and min(one["time_ms"] for one in before) < row["time_ms"]:
                again.append((row, age, min(one["time_ms"] for one in before)))
            before.append(row)
        oldest = max(ages, default=86_400_000)
        found: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for row, age, first in again:
            same = [one for one in ordered if one["request_digest"] == row["request_digest"]]
            at_once = row["time_ms"] * 1000 < min(_end(one) for one in same)
            reason = _reason(at_once, row["cache_key"], age, oldest)
            soon = row["cost_nano_usd"] if not at_once and row["time_ms"] - first <= 86_400_000 else 0
            sums = found[reason, self.half(row)]
            found[reason, self.half(row)] = [sums[0] + 1, sums[1] + row["cost_nano_usd"], sums[2] + soon]
        return {key: (sums[0], sums[1], sums[2]) for key, sums in found.items()}

    def cuts(self) -> Counter[tuple[int, Group, int]]:
        """Cost of answers that were asked for again, by half, group and whether they are repeats."""
        found: Counter[tuple[int, Group, int]] = Counter()
        by_shape: dict[int, list[Row]] = defaultdict(list)
        for row in sorted(self.paid, key=lambda row: (row["time_ms"], _end(row))):
            if row["shape_digest"] is not None:
                by_shape[row["shape_digest"]].append(row)
        for several in by_shape.values():
            for row, after in pairwise(several):
                higher = after["max_tokens"] is None or after["max_tokens"] > (row["max_tokens"] or 0)
                if _cut(row) and higher and after["time_ms"] * 1000 <= _end(row) + 600_000_000:
                    found[self.half(row), self.group(row), int(self.is_repeat(row))] += row["cost_nano_usd"]
        return found

    def beginnings(self) -> dict[tuple[int, Group, int], tuple[int, int, int]]:
        """Calls, warm ones and discounted tokens, by half, group and prefix, where there is a warm one."""
        last: dict[Any, int] = {}
        found: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in sorted(self.paid, key=lambda row: (row["time_ms"], row["id"])):
            if row["prefix_digest"] is None:
                continue
            place = row["deployment"], row["prefix_digest"]
            warm = int(place in last and row["time_ms"] - last[place] <= 300_000)
            last[place] = row["time_ms"]
            sums = found[self.half(row), self.group(row), row["prefix_digest"]]
            more = (1, warm, min(row["cached_tokens"] or 0, row["prefix_tokens"]))
            found[self.half(row), self.group(row), row["prefix_digest"]] = [
                one + another for one, another in zip(sums, more, strict=True)
            ]
        return {key: (sums[0], sums[1], sums[2]) for key, sums in found.items() if sums[1]}


def _reason(at_once: bool, cache_key: str | None, age: int | None, oldest: int) -> str:
    if at_once:
        return "concurrent"
    if cache_key is None:
        return "off"
    if age is None:
        return "apart"
    return "expired" if age > oldest else "lost"


def _own(row: Row) -> bool:
    return "router" in row["tags"] or "mirror" in row["tags"]


def _tokens(row: Row) -> int:
    return row["prompt_tokens"] or 0


def _cut(row: Row) -> bool:
    return bool(row["max_tokens"]) and (row["completion_tokens"] or 0) >= row["max_tokens"]


def _end(row: Row) -> int:
    end: int = row["time_ms"] * 1000 + row["latency_us"]
    return end
