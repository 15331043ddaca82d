"""What must hold between the names of models: aliases and fallbacks name models that exist, and never themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hooks import Problem

from .fallbacks import loops, named_fallbacks
from .source import Source, nearest
from .yamltree import YamlPath

if TYPE_CHECKING:
    from .config import Config
    from .model_settings import Model


def check_names(config: Config, source: Source) -> Iterator[Problem]:
    """Names that are nobody's, and chains that come back to where they began."""
    aliases: dict[str, YamlPath] = {}
    deployed = {model.name for model in config.models if model.candidates is None}
    graph: dict[str, tuple[str, ...]] = {}
    for index, model in enumerate(config.models):
        if model.candidates is None:
            continue
        at: YamlPath = ("models", index)
        if model.name in deployed or model.name in aliases:
            yield source.problem((*at, "name"), "is an alias, and another entry has that name too", value=model.name)
            continue
        aliases[model.name] = at
        graph[model.name] = model.candidates
    known = deployed | graph.keys() | _written(source)
    for name, at in aliases.items():
        yield from _candidates(graph[name], known, source, at)
    for name, chain in loops(graph, {}):
        rule = f"lead back to {name} ({' → '.join(chain)}): an alias cannot contain itself"
        yield source.problem((*aliases[name], "candidates"), rule)
    yield from _fallbacks(config.models, graph, known, source)


def _fallbacks(
    models: Sequence[Model], graph: Mapping[str, Sequence[str]], known: set[str], source: Source
) -> Iterator[Problem]:
    places: dict[str, YamlPath] = {}
    for index, model in enumerate(models):
        at: YamlPath = ("models", index, "fallbacks")
        if model.fallbacks:
            places.setdefault(model.name, at)
        for number, name in enumerate(model.fallbacks):
            if name == "*":
                yield source.problem((*at, number), "cannot be a fallback: it is no model's name", value=name)
            elif name not in known:
                rule = "is not a model of this file"
                yield source.problem((*at, number), rule, value=name, near=nearest(name, known))
    for name, chain in loops(named_fallbacks(models), graph):
        rule = f"lead back to {name} ({' → '.join(chain)}): a model cannot be its own fallback"
        yield source.problem(places[name], rule)


def _candidates(candidates: Sequence[str], known: set[str], source: Source, at: YamlPath) -> Iterator[Problem]:
    for index, candidate in enumerate(candidates):
        path = (*at, "candidates", index)
        if candidate == "*":
            yield source.problem(path, "cannot be a candidate: it is no model's name", value=candidate)
        elif candidate not in known:
            yield source.problem(path, "is not a model of this file", value=candidate, near=nearest(candidate, known))


def _written(source: Source) -> set[str]:
    """Names of all entries: an alias goes on without those that ``if_set`` left out or that have problems."""
    models = source.document.data.get("models")
    entries = models if isinstance(models, list) else []
    return {str(entry.get("name")) for entry in entries if isinstance(entry, dict)}
