"""The models of a configuration as the catalog that calls are looked up in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hooks import Deployment, freeze

from .care_settings import care_of
from .config import Config
from .fallbacks import named_fallbacks, order
from .model_settings import Model, ModelTimeouts
from .price_settings import Price
from .providers.catalog import CATCH_ALL, OPENAI_COMPATIBLE, Catalog, split, transport_of
from .providers.provider import Target, Timeouts
from .settings import Gateway, GatewayTimeouts

__all__ = ["Catalog", "deployment_ids", "targets"]


def targets(config: Config) -> Catalog:
    """The catalog of a configuration."""
    by_name: dict[str, list[Target]] = {}
    prices: dict[str, Price] = {}
    ids = deployment_ids(config)
    for model, id in zip(config.models, ids, strict=True):
        if model.provider is not None:
            target = _target(model, model.provider, id, config.gateway)
            by_name.setdefault(model.name, []).append(target)
            if model.price is not None:
                prices[id] = model.price
    aliases = {model.name: model.candidates for model in config.models if model.candidates is not None}
    found = {name: tuple(entries) for name, entries in by_name.items()}
    expanded = {name: _expand(name, aliases, found) for name in aliases}
    catch_all = found.pop(CATCH_ALL, ())
    models = {**found, **{name: reached for name, reached in expanded.items() if reached}}
    return Catalog(models=models, catch_all=catch_all, prices=prices, fallbacks=_fallbacks(config, models, aliases))


def deployment_ids(config: Config) -> tuple[str, ...]:
    """One id per entry: the name, then ``name#2``, counted in the file so that ``if_set`` renames nobody."""
    places = [int(config.source.place(("models", index))[1]) for index in range(len(config.models))]
    written = config.source.document.data.get("models") or []
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in written]
    for model, place in zip(config.models, places, strict=True):
        names[place] = model.name
    numbers = [names[:place].count(names[place]) + 1 for place in places]
    pairs = zip(config.models, numbers, strict=True)
    return tuple(model.name if number == 1 else f"{model.name}#{number}" for model, number in pairs)


def _target(model: Model, provider: str, id: str, gateway: Gateway) -> Target:
    name, upstream = split(provider)
    transport = transport_of(name, model.base_url) if model.transport == "auto" else model.transport
    return Target(
        deployment=Deployment(
            id=id,
            model=model.name,
            provider=name,
            upstream_model=upstream,
            transport=transport or "direct",
            info=freeze(model.info),
        ),
        base_url=model.base_url or (OPENAI_COMPATIBLE.get(name) if transport == "direct" else None),
        api_key=model.api_key.get_secret_value() if model.api_key else None,
        headers={key: value.get_secret_value() for key, value in model.headers.items()},
        options=freeze(model.options),
        timeouts=_timeouts(model.timeouts, gateway.timeouts),
        care=care_of(gateway.retries, gateway.breaker, model.retries, model.breaker, model.concurrency, model.hedging),
    )


def _timeouts(own: ModelTimeouts, shared: GatewayTimeouts) -> Timeouts:
    return Timeouts(
        connect=own.connect or shared.connect,
        first_token=own.first_token or shared.first_token,
        between_chunks=own.between_chunks or shared.between_chunks,
        total=own.total or shared.total,
    )


def _fallbacks(
    config: Config, models: Mapping[str, tuple[Target, ...]], aliases: Mapping[str, Sequence[str]]
) -> dict[str, tuple[tuple[str, tuple[Target, ...]], ...]]:
    named = named_fallbacks(config.models)
    found = {name: order(name, named, aliases) for name in (*models, CATCH_ALL)} if named else {}
    return {
        name: tuple((one, models[one]) for one in behind if one in models) for name, behind in found.items() if behind
    }


def _expand(
    name: str, aliases: Mapping[str, Sequence[str]], found: Mapping[str, tuple[Target, ...]]
) -> tuple[Target, ...]:
    """Depth first, each name once, so that a deployment reached twice keeps its first place."""
    reached: list[Target] = []
    seen: set[str] = set()
    left = [name]
    while left:
        current = left.pop()
        if current not in seen:
            seen.add(current)
            reached += found.get(current, ())
            left += reversed(aliases.get(current, ()))
    return tuple(reached)
