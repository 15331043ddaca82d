"""What two runs of the same calls come to, side by side: by organization, and all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from .item import Item
from .result import Range, Result

_EXAMPLES: Final = 20


@dataclass(slots=True)
class Side:
    """One of the two."""

    calls: int = 0
    hits: int = 0
    refused: int = 0
    unpriced: int = 0
    cost: int = 0
    models: Counter[str] = field(default_factory=Counter)
    costs: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.calls += 1
        self.hits += result.hit
        self.refused += result.refused
        self.unpriced += result.cost is None
        self.cost += result.cost or 0
        self.models[result.model] += 1
        self.costs[result.model] += result.cost or 0


@dataclass(slots=True)
class Pair:
    """``low`` and ``high`` are what the second side may have cost, where the first cost what it did: a call that is as
    uncertain on both, in the same way, costs the same. A call whose cost is not known on either side counts with
    nothing on both, and among ``unpriced``.
    """

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    low: int = 0
    high: int = 0
    newly_refused: int = 0
    newly_served: int = 0
    differences: int = 0

    def add(self, before: Result, after: Result, different: bool) -> None:
        if (before.cost is None) != (after.cost is None):
            before, after = _without_cost(before), _without_cost(after)
        self.before.add(before)
        self.after.add(after)
        same = before.range == after.range and before.decision() == after.decision()
        low, high = (before.cost or 0,) * 2 if same else after.range
        self.low += low
        self.high += high
        self.newly_refused += after.refused and not before.refused
        self.newly_served += before.refused and not after.refused
        self.differences += different

    def as_dict(self) -> dict[str, Any]:
        before, after = self.before, self.after
        return {
            "calls": before.calls,
            "differences": self.differences,
            "cost": {
                "before_usd": usd(before.cost),
                "after_usd": usd(after.cost),
                "change_usd": usd(after.cost - before.cost),
                "change_low_usd": usd(self.low - before.cost),
                "change_high_usd": usd(self.high - before.cost),
                "change_percent": percent(after.cost - before.cost, before.cost),
                "change_low_percent": percent(self.low - before.cost, before.cost),
                "change_high_percent": percent(self.high - before.cost, before.cost),
                "unpriced_calls": after.unpriced,
            },
            "hit_rate": {"before": _share(before.hits, before.calls), "after": _share(after.hits, after.calls)},
            "refused": {
                "before": before.refused,
                "after": after.refused,
                "newly": self.newly_refused,
                "no_longer": self.newly_served,
            },
            "models": dict(self._models()),
        }

    def _models(self) -> Iterator[tuple[str, dict[str, Any]]]:
        names = {**self.before.models, **self.after.models}
        for name in sorted(names):
            yield (
                name,
                {
                    "calls_before": self.before.models[name],
                    "calls_after": self.after.models[name],
                    "before_usd": usd(self.before.costs[name]),
                    "after_usd": usd(self.after.costs[name]),
                },
            )


@dataclass(slots=True)
class Tally:
    """All. ``noted`` counts calls by what is to be known of how they were played."""

    every: Pair = field(default_factory=Pair)
    organizations: dict[str, Pair] = field(default_factory=dict)
    noted: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    not_reproduced: int = 0

    def add(self, item: Item, before: Result, after: Result, reproduced: bool) -> None:
        """``reproduced``: whether the present configuration's run, if there was one, was as recorded."""
        was, now = before.decision(), after.decision()
        different = [name for name in was if was[name] != now[name]]
        for name in different:
            self.by[name] += 1
        if different and len(self.examples) < _EXAMPLES:
            self.examples.append({"id": item.row.id, "before": was, "after": now})
        organization = self.organizations.setdefault(item.row.organization, Pair())
        for pair in (self.every, organization):
            pair.add(before, after, bool(different))
        self.not_reproduced += not reproduced
        self._note(item, after)

    def _note(self, item: Item, after: Result) -> None:
        if after.basis in ("other", "estimated"):
            self.noted["other_model" if after.basis == "other" else "estimated_tokens"] += 1
        self.noted["as_recorded"] += after.followed
        self.noted["guessed_route"] += after.guessed
        self.noted["without_digest"] += item.body is None and item.row.request_digest is None

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.every.as_dict(),
            "different": dict(self.by),
            "examples": self.examples,
            "not_reproduced": self.not_reproduced,
            "notes": {name: count for name, count in self.noted.items() if count},
            "left_out": dict(self.left_out),
            "organizations": {name: pair.as_dict() for name, pair in sorted(self.organizations.items())},
        }


def usd(nano: int) -> str:
    """Exactly, as text."""
    return f"{Decimal(nano).scaleb(-9):f}"


def percent(part: int, whole: int) -> float | None:
    """None of nothing."""
    return round(100 * part / whole, 3) if whole else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _without_cost(result: Result) -> Result:
    return replace(result, cost=None, range=Range(0, 0))
