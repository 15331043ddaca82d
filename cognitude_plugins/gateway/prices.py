"""What a call costs: a price per deployment, from the configuration or from the map that LiteLLM ships."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import orjson

from hooks import Deployment, Usage

_MAP: Final = "model_prices_and_context_window_backup.json"
_MILLION: Final = 1_000_000
_NANO: Final = Decimal(10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Billionths of a US dollar per million tokens. Without ``cached_input`` a cached token costs as much as any."""

    input: int
    output: int
    cached_input: int | None = None

    @classmethod
    def per_million(cls, *, input: Number, output: Number, cached_input: Number | None = None) -> Price:
        """From US dollars per million tokens, as configured. Raises ``ValueError`` below zero or when not finite."""
        return cls(
            input=_nano(input, 1),
            output=_nano(output, 1),
            cached_input=None if cached_input is None else _nano(cached_input, 1),
        )

    def cost(self, usage: Usage) -> int:
        """Nano-dollars, rounded half up once, at the end. Cached tokens are a part of the prompt's, never more."""
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        cached_price = self.input if self.cached_input is None else self.cached_input
        exact = (
            (usage.prompt_tokens - cached) * self.input + cached * cached_price + usage.completion_tokens * self.output
        )
        return (exact + _MILLION // 2) // _MILLION


Number = int | float | str | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices by deployment id (``own``: the configuration's, which win) and by key of the price map (``known``)."""

    own: Mapping[str, Price] = field(default_factory=dict)
    known: Mapping[str, Price] = field(default_factory=dict)

    def of(self, deployment: Deployment, model: str | None = None) -> Price | None:
        """None when unknown, which is not zero. ``model`` is what a catch-all deployment was asked for."""
        own = self.own.get(deployment.id)
        if own is not None:
            return own
        name = model or deployment.upstream_model
        return self.known.get(f"{deployment.provider}/{name}")

    @classmethod
    def load(
        cls, deployments: Iterable[Deployment], own: Mapping[str, Price] | None = None, path: Path | None = None
    ) -> PriceBook:
        """Reads the price map (3 MB, some 20 ms) and keeps only what these deployments can be asked for.

        For the lifespan, not for import. A map that is missing or not JSON leaves the configuration's prices alone.
        Entries in ``known`` are always named ``provider/model``, also where the map has the bare model name.
        """
        own = own or {}
        wanted = [one for one in deployments if one.id not in own]
        path = path or price_map_path()
        entries = _read(path) if wanted and path is not None else {}
        known: dict[str, Price] = {}
        for deployment in wanted:
            known.update(_entries_for(deployment, entries))
        return cls(own=own, known=known)


def price_map_path() -> Path | None:
    """Where LiteLLM's map lies, found without importing LiteLLM; None when LiteLLM is not installed."""
    spec = importlib.util.find_spec("litellm")
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(folders))) / _MAP if folders else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        entries = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _entries_for(deployment: Deployment, entries: Mapping[str, Any]) -> Iterable[tuple[str, Price]]:
    provider, model = deployment.provider, deployment.upstream_model
    names: Iterable[str] = (model,) if "*" not in model else _names_of(provider, entries)
    for name in names:
        entry = entries.get(f"{provider}/{name}")
        if entry is None and _sold_by(provider, entries.get(name)):
            entry = entries[name]
        price = _price_of(entry)
        if price is not None:
            yield f"{provider}/{name}", price


def _names_of(provider: str, entries: Mapping[str, Any]) -> Iterable[str]:
    for key, entry in entries.items():
        if _sold_by(provider, entry):
            yield key.removeprefix(f"{provider}/")


def _sold_by(provider: str, entry: Any) -> bool:
    """Whether the entry is this provider's own: the same bare name may cost something else elsewhere.

    The map's ``litellm_provider`` has variants of a name: ``bedrock_converse``, ``vertex_ai-language-models``.
    """
    seller = entry.get("litellm_provider") if isinstance(entry, Mapping) else None
    return isinstance(seller, str) and (seller == provider or seller.startswith((f"{provider}_", f"{provider}-")))


def _price_of(entry: Any) -> Price | None:
    if not isinstance(entry, Mapping):
        return None
    try:
        price = Price(
            input=_nano(entry["input_cost_per_token"], _MILLION),
            output=_nano(entry.get("output_cost_per_token", 0 if entry.get("mode") == "embedding" else ""), _MILLION),
            cached_input=_cached(entry.get("cache_read_input_token_cost")),
        )
    except (KeyError, ValueError):
        return None
    return None if price.input == price.output == 0 and _charged_otherwise(entry) else price


def _cached(value: Any) -> int | None:
    return None if value is None else _nano(value, _MILLION)


def _charged_otherwise(entry: Mapping[str, Any]) -> bool:
    """Zero per token with a price per query, page or second: what a call costs is then unknown, not zero."""
    return any("_cost_per_" in key and value and "search_context" not in key for key, value in entry.items())


def _nano(dollars: Any, times: int) -> int:
    """``dollars`` times ``times`` in nano-dollars; a float is taken for the decimal it was written as."""
    try:
        exact = Decimal(repr(dollars) if isinstance(dollars, float) else dollars)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"a price is a number of US dollars, not {dollars!r}") from error
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"a price is zero or more US dollars, not {dollars!r}")
    return int((exact * _NANO * times).to_integral_value(ROUND_HALF_UP))
