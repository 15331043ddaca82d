"""A configuration file read into a `Config`, or everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, PrivateAttr

from hooks import ConfigError, Problem

from .checks import check
from .fields import STRICT
from .interpolate import interpolate
from .model_settings import Model
from .settings import Gateway, Key, Services, Step
from .source import UNKNOWN, Source
from .yamlfile import Document
from .yamltree import YamlPath, path_text

M = TypeVar("M", bound=BaseModel)


class Config(BaseModel):
    """What plugins.yaml says, valid in itself; the plugins' own settings are validated by the loader."""

    model_config = STRICT

    gateway: Gateway = Field(default=Gateway(), description="The gateway itself.")
    services: Services = Field(default=Services(), description="What it may lean on outside its own process.")
    models: tuple[Model, ...] = Field(default=(), description="The models clients can name, and where each is called.")
    pipeline: tuple[Step, ...] = Field(
        default=(), description="The plugins, in the order in which a call meets them on its way to the provider."
    )
    _source: Source = PrivateAttr()

    @property
    def source(self) -> Source:
        """Where the values came from. Models left out by ``if_set`` are in the file and not in ``models``."""
        return self._source

    @property
    def data_dir(self) -> Path:
        """``gateway.data_dir``, absolute."""
        return self._source.folder / self.gateway.data_dir


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in a file; raises one `ConfigError` with every problem.

    Reads the file and the ``file:`` secrets it names, nothing else. The plugins' own settings are not looked at:
    `loader.load_file` does both.
    """
    config, problems = examine(Document.read(path), environ)
    if problems:
        raise ConfigError(problems)
    return config


def examine(document: Document, environ: Mapping[str, str]) -> tuple[Config, list[Problem]]:
    """The configuration, or what of it is valid in itself, with every problem in the order of the file."""
    data, source, problems = _prepare(document, environ)
    try:
        config = source.validate(Config, data)
    except ConfigError as error:
        told = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in told]
        config, source = _valid_parts(data, source)
    config._source = source
    told = {problem.path for problem in problems}
    problems += [problem for problem in check(config) if problem.path not in told]
    return config, in_order(problems)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By line; of what is said twice about one place by two readings, once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


def _prepare(document: Document, environ: Mapping[str, str]) -> tuple[dict[str, Any], Source, list[Problem]]:
    """The document's data as it is to be validated, and what is wrong with it before that.

    A section whose lines are all commented out is null: as if it were not there.
    """
    if not isinstance(document.data, dict):
        raise ConfigError(Problem(path="", rule="must be a mapping with gateway, models, pipeline", file=document.file))
    if not document.data:
        # An editor that truncates before it writes must not take a gateway's models away.
        raise ConfigError(Problem(path="", rule="is empty; `models: []` says that there are none", file=document.file))
    absent = _absent(document.data, environ)
    found = interpolate(document, environ, skip=frozenset(("models", index) for index in absent))
    sections = {key: value for key, value in found.data.items() if value is not None}
    data, places = _without(sections, absent)
    source = Source(document=document, texts=found.texts, places=places)
    misspelt = [problem for index in absent for problem in _misspelt(source, document.data["models"][index], index)]
    return data, source, found.problems + misspelt


def _valid_parts(data: dict[str, Any], source: Source) -> tuple[Config, Source]:
    """Those keys, models and pipeline entries that are valid, so that they are checked further all the same."""
    places = dict(source.places)
    keys = _valid(Key, source, data, ("gateway", "keys"), places)
    models = _valid(Model, source, data, ("models",), places)
    steps = _valid(Step, source, data, ("pipeline",), places, prune=True)
    config = Config(gateway=Gateway(keys=tuple(keys)), models=tuple(models), pipeline=tuple(steps))
    return config, replace(source, places=places)


def _valid(
    kind: type[M],
    source: Source,
    data: dict[str, Any],
    at: YamlPath,
    places: dict[YamlPath, YamlPath],
    *,
    prune: bool = False,
) -> list[M]:
    found: Any = data
    for step in at:
        found = found.get(step) if isinstance(found, dict) else None
    valid: list[M] = []
    for index, entry in enumerate(found if isinstance(found, list) else ()):
        place = (*at, index)
        item = _attempt(kind, source, entry, place, prune=prune)
        if item is not None:
            places[(*at, len(valid))] = source.place(place)
            valid.append(item)
    return valid


def _attempt(kind: type[M], source: Source, entry: Any, at: YamlPath, *, prune: bool) -> M | None:
    """With ``prune``, an entry that has problems is tried once more without the fields that have them."""
    try:
        return source.validate(kind, entry, at)
    except ConfigError as error:
        if not (prune and isinstance(entry, dict)):
            return None
        start = f"{path_text(source.place(at))}."
        bad = {re.split(r"[.\[]", problem.path.removeprefix(start))[0] for problem in error.problems}
    with suppress(ConfigError):
        return source.validate(kind, {key: value for key, value in entry.items() if key not in bad}, at)
    return None


def _absent(data: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[int, ...]:
    """The models whose ``if_set`` variable is unset or empty."""
    models = data.get("models")
    entries = enumerate(models) if isinstance(models, list) else ()
    wanted = [(index, entry.get("if_set")) for index, entry in entries if isinstance(entry, dict)]
    return tuple(index for index, name in wanted if isinstance(name, str) and name and not environ.get(name))


def _without(data: Any, absent: tuple[int, ...]) -> tuple[Any, dict[YamlPath, YamlPath]]:
    """The data without those models, and where the others stand in the file."""
    if not absent:
        return data, {}
    kept = [index for index in range(len(data["models"])) if index not in absent]
    places: dict[YamlPath, YamlPath] = {("models", new): ("models", old) for new, old in enumerate(kept)}
    return {**data, "models": [data["models"][index] for index in kept]}, places


def _misspelt(source: Source, entry: Any, index: int) -> Iterator[Problem]:
    """Unknown keys in a model that is left out: they would be found on another machine only."""
    whole = Source(document=source.document)
    try:
        whole.validate(Model, entry, ("models", index))
    except ConfigError as error:
        yield from (problem for problem in error.problems if problem.rule == UNKNOWN)
