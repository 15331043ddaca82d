"""A table of our own on top of LiteLLM's map: models that it lacks and that are still called, each with its dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from hooks import Deployment
from hooks.usage import SERVICES

from .price import Price, Tier, nano, sorted_tiers

TABLE: Final = Path(__file__).with_name("table.json")

_RATES: Final = ("input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning")
_FIELDS: Final = frozenset(
    {"provider", "models", "effective_from", "effective_until", "tiers", "apart", "source", *_RATES}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A published price and when it holds: from the first day's beginning to the last one's end, in UTC."""

    provider: str
    models: tuple[str, ...]
    first: date
    last: date | None
    price: Price
    source: str

    def holds(self, moment: datetime) -> bool:
        day = moment.astimezone(UTC).date()
        return self.first <= day and (self.last is None or day <= self.last)


def read_table(path: Path = TABLE) -> tuple[Dated, ...]:
    """The file's entries. Raises ``ValueError`` that names the entry and what is wrong with it.

    US dollars per million tokens; ``effective_until`` is the last day, null when no end is known.
    """
    return tuple(_dated(index, entry) for index, entry in enumerate(orjson.loads(path.read_bytes())["prices"]))


def dated_for(deployment: Deployment, table: tuple[Dated, ...]) -> Iterator[tuple[str, Dated]]:
    """What this deployment can be asked for, named ``provider/model``; a ``*`` is all of its provider."""
    everything = "*" in deployment.upstream_model
    for dated in table:
        if dated.provider == deployment.provider:
            for model in dated.models:
                if everything or model == deployment.upstream_model:
                    yield f"{dated.provider}/{model}", dated


def _dated(index: int, entry: Mapping[str, Any]) -> Dated:
    try:
        unknown = entry.keys() - _FIELDS
        if unknown:
            raise ValueError(f"there is no field {', '.join(sorted(unknown))}")
        last = entry["effective_until"]
        return Dated(
            provider=entry["provider"],
            models=tuple(entry["models"]),
            first=date.fromisoformat(entry["effective_from"]),
            last=None if last is None else date.fromisoformat(last),
            price=Price(**_rates(entry), tiers=_tiers(entry), apart=_apart(entry)),
            source=entry["source"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"entry {index} of the price table: {error}") from error


def _rates(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: nano(entry[name]) for name in _RATES if entry.get(name) is not None}


def _tiers(entry: Mapping[str, Any]) -> tuple[Tier, ...]:
    tiers = entry.get("tiers", [])
    return sorted_tiers(Tier(above_prompt_tokens=tier["above_prompt_tokens"], **_rates(tier)) for tier in tiers)


def _apart(entry: Mapping[str, Any]) -> frozenset[str]:
    """Published prices are those of the ordinary service tier and without searches."""
    apart = {"search", "geo", "cache_write_mixed", *SERVICES, *entry.get("apart", [])}
    return frozenset(apart if "cache_write_1h" in entry else {*apart, "cache_write_1h"})
