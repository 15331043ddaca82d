"""The map of prices that LiteLLM ships, read as a file: found and parsed without importing LiteLLM."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from hooks import Deployment
from hooks.usage import MEDIA, SERVICES

from .hours import Hours
from .price import MILLION, Price, Tier, nano, sorted_tiers

_FILE: Final = "model_prices_and_context_window_backup.json"

_RATES: Final = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
}
_SUFFIXES: Final = {"batch": "_batches", **{name: f"_{name}" for name in ("flex", "priority", "balanced", "ultrafast")}}
"""How the map calls the prices of a service tier."""

_ABOVE: Final = re.compile(r"_above_(\d+)k_tokens")
_FROM_THE_THRESHOLD_ON: Final = frozenset({"xai"})
"""Whose long-prompt price holds from exactly so many tokens on (``_uses_inclusive_token_thresholds`` in LiteLLM)."""

_SEARCHES_ALWAYS: Final = ("search-preview", "search-api", "deep-research")
"""Models whose every call pays for searches that its usage does not count."""


def price_map_path() -> Path | None:
    """Where LiteLLM's map lies, found without importing LiteLLM; None when LiteLLM is not installed."""
    spec = importlib.util.find_spec("litellm")
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(folders))) / _FILE if folders else None


def read_map(path: Path) -> Mapping[str, Any]:
    """The map's entries; none when the file is missing or not a JSON object."""
    try:
        entries = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def prices_for(deployment: Deployment, entries: Mapping[str, Any]) -> Iterator[tuple[str, Price]]:
    """What this deployment can be asked for with its price, named ``provider/model``; a ``*`` is all of its provider.

    The map has a model under that name, or under its bare name with the provider in the entry.
    """
    provider, model = deployment.provider, deployment.upstream_model
    names: Iterable[str] = (model,) if "*" not in model else _names_of(provider, entries)
    for name in names:
        price = price_of(entry_of(provider, name, entries), provider, name)
        if price is not None:
            yield f"{provider}/{name}", price


def entry_of(provider: str, model: str, entries: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the map has of a provider's model; None when it does not have it."""
    entry = entries.get(f"{provider}/{model}")
    if entry is None and _sold_by(provider, entries.get(model)):
        entry = entries[model]
    return entry if isinstance(entry, Mapping) else None


def price_of(entry: Any, provider: str, model: str) -> Price | None:
    """None for what cannot be priced by the token, and for an entry that is not understood."""
    if not isinstance(entry, Mapping) or _pays_for_searches(provider, model, entry):
        return None
    try:
        price = _price(entry, provider)
    except ValueError:
        return None
    nothing = price.input == price.output == price.per_request == 0 and not price.tiers
    return None if nothing and _charged_otherwise(entry) else price


def _names_of(provider: str, entries: Mapping[str, Any]) -> Iterator[str]:
    for key, entry in entries.items():
        if _sold_by(provider, entry):
            yield key.removeprefix(f"{provider}/")


def _sold_by(provider: str, entry: Any) -> bool:
    """Whether the entry is this provider's own: the same bare name may cost something else elsewhere.

    The map's ``litellm_provider`` has variants of a name: ``bedrock_converse``, ``vertex_ai-language-models``.
    """
    seller = entry.get("litellm_provider") if isinstance(entry, Mapping) else None
    return isinstance(seller, str) and (seller == provider or seller.startswith((f"{provider}_", f"{provider}-")))


def _price(entry: Mapping[str, Any], provider: str) -> Price:
    services = {name: _rated(entry, provider, suffix) for name, suffix in _SUFFIXES.items() if _serves(entry, suffix)}
    off_peak = entry.get("off_peak_pricing")
    return _rated(
        entry,
        provider,
        services=services,
        apart=_apart(entry, "", services),
        off_peak=None if off_peak is None else (_hours(off_peak), _rated({**entry, **off_peak}, provider)),
    )


def _rated(entry: Mapping[str, Any], provider: str, suffix: str = "", **others: Any) -> Price:
    inclusive = provider in _FROM_THE_THRESHOLD_ON
    rates, ranges = _tiered(entry) if entry.get("tiered_pricing") else (_rates(entry, suffix), [])
    if rates.get("output") is None and entry.get("mode") == "embedding":
        rates["output"] = 0
    if rates.get("input") is None or rates.get("output") is None:
        raise ValueError("no price per token")
    tiers = sorted_tiers(ranges or _tiers(entry, suffix, inclusive=inclusive))
    others.setdefault("apart", _apart(entry, suffix, {}))
    return Price(
        **rates,
        per_request=nano(entry.get("input_cost_per_request") or 0),
        tiers=tiers,
        most_prompt_tokens=_most(tiers, sorted_tiers(_tiers(entry, "", inclusive=inclusive))),
        **others,
    )


def _rates(entry: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Where reasoning costs as output it has no price of its own, so that a tier's output holds for it too."""
    rates = {name: _rate(entry.get(key + suffix)) for name, key in _RATES.items()}
    if rates["reasoning"] == rates["output"]:
        rates["reasoning"] = None
    return rates


def _tiers(entry: Mapping[str, Any], suffix: str, *, inclusive: bool) -> Iterator[Tier]:
    for thousands in sorted({int(found[1]) for key in entry if (found := _ABOVE.search(key))}):
        rates = _rates(entry, f"_above_{thousands}k_tokens{suffix}")
        if any(rate is not None for rate in rates.values()):
            yield Tier(above_prompt_tokens=thousands * 1000 - inclusive, **rates)


def _most(tiers: tuple[Tier, ...], ordinary: tuple[Tier, ...]) -> int | None:
    """Where the ordinary price goes up and that of a service tier is not given, it is not known from there on."""
    known = {tier.above_prompt_tokens for tier in tiers}
    return min((one.above_prompt_tokens for one in ordinary if one.above_prompt_tokens not in known), default=None)


def _tiered(entry: Mapping[str, Any]) -> tuple[dict[str, Any], list[Tier]]:
    """Alibaba's way: a list of ranges of prompt tokens, without their lower ends; a call pays one range's rates."""
    found = []
    for part in entry["tiered_pricing"]:
        span = part.get("range") if isinstance(part, Mapping) else None
        if not isinstance(span, list) or len(span) != 2:
            raise ValueError("a range of tokens has two ends")
        found.append((int(span[0]), _rates(part, "")))
    found.sort(key=lambda one: one[0])
    return found[0][1], [Tier(above_prompt_tokens=above, **rates) for above, rates in found[1:]]


def _rate(dollars_per_token: Any) -> int | None:
    return None if dollars_per_token is None else nano(dollars_per_token, MILLION)


def _hours(block: Any) -> Hours:
    if not isinstance(block, Mapping):
        raise ValueError("off_peak_pricing is an object")
    return Hours.of(block)


def _serves(entry: Mapping[str, Any], suffix: str) -> bool:
    """Whether the entry has a price for this service tier, for all that it has one for otherwise."""
    needed = [_RATES["input"], _RATES["output"]]
    needed += [key for key in (_RATES["cached_input"], _RATES["cache_write"]) if entry.get(key) is not None]
    return all(entry.get(key + suffix) is not None for key in needed)


def _apart(entry: Mapping[str, Any], suffix: str, services: Mapping[str, Price]) -> frozenset[str]:
    """What this entry has another price for, or none (`Price.apart`)."""
    apart = {"search", "geo", *(SERVICES - services.keys())}
    apart |= {kind for kind in MEDIA if any(_differs(entry, key, kind) for key in entry)}
    if _RATES["cache_write"] in entry:
        apart.add("cache_write_mixed")
        if _RATES["cache_write_1h"] + suffix not in entry:
            apart.add("cache_write_1h")
    return frozenset(apart)


def _differs(entry: Mapping[str, Any], key: str, kind: str) -> bool:
    if "cost" not in key or kind not in key or not entry[key] or key.endswith(tuple(_SUFFIXES.values())):
        return False
    for side in ("input", "output"):
        if key == f"{side}_cost_per_{kind}_token":
            return bool(entry[key] != entry.get(f"{side}_cost_per_token"))
    return True


def _pays_for_searches(provider: str, model: str, entry: Mapping[str, Any]) -> bool:
    """Perplexity charges every call by its search context, the sonar models in the map have a price for it."""
    return any(name in model for name in _SEARCHES_ALWAYS) or (
        provider == "perplexity" and "search_context_cost_per_query" in entry
    )


def _charged_otherwise(entry: Mapping[str, Any]) -> bool:
    """Zero per token with a price per query, page or second: what a call costs is then unknown, not zero."""
    return any("_cost_per_" in key and value and "search_context" not in key for key, value in entry.items())
