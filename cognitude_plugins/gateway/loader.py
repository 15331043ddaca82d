"""The pipeline's entries made into plugin objects, their settings validated; no hook is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Literal

import pluggy
from pydantic import BaseModel

from hooks import ConfigError, PluginError, Problem, spec

from .config import Config, examine, in_order
from .foreign import foreign
from .resolve import Found, Unknown, installed, one_line, plugin_classes, resolve
from .settings import Step
from .source import Source
from .vet import broken_rules, hooks_of
from .yamlfile import Document
from .yamltree import YamlPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One entry of the pipeline, ready. ``origin`` says where its code is from; ``timeout`` is in seconds."""

    entry: Step
    name: str
    plugin: object
    config: BaseModel | None
    mode: Literal["enforce", "shadow", "off"]
    on_error: Literal["skip", "reject"]
    timeout: float | None
    origin: str


def load_file(path: Path, environ: Mapping[str, str]) -> tuple[Config, tuple[Loaded, ...]]:
    """A configuration with its plugins; raises one `ConfigError` with the problems of both."""
    config, problems = examine(Document.read(path), environ)
    loaded: tuple[Loaded, ...] = ()
    try:
        loaded = load_plugins(config)
    except ConfigError as error:
        told = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in told]
    if problems:
        raise ConfigError(in_order(problems))
    return config, loaded


def load_plugins(config: Config) -> tuple[Loaded, ...]:
    """Every entry, those with ``mode: off`` too, in order; raises one `ConfigError` with every problem."""
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    points = installed()
    for index, step in enumerate(config.pipeline):
        at: YamlPath = ("pipeline", index)
        try:
            found = _load(step, points, config.source, at)
            problems += _used_before(found, loaded, config.source, at)
            loaded.append(found)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(loaded)


def register(loaded: Iterable[Loaded]) -> pluggy.PluginManager:
    """The hooks of all plugins that are not off, in the order of the list, each under its entry's name.

    What is registered is an object that carries the plugin's hooks and nothing else: pluggy would evaluate a plugin's
    properties and compare plugins by ``==``.
    """
    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(spec)
    for entry in loaded:
        if entry.mode != "off":
            manager.register(_Hooks(entry.plugin), name=entry.name)
    manager.check_pending()
    return manager


class _Hooks:
    def __init__(self, plugin: object) -> None:
        for name in hooks_of(plugin):
            setattr(self, name, getattr(plugin, name))


def _load(step: Step, points: EntryPoints, source: Source, at: YamlPath) -> Loaded:
    try:
        found = resolve(step.use, source.folder, points)
    except PluginError as error:
        near = error.near if isinstance(error, Unknown) else None
        raise ConfigError(source.problem((*at, "use"), str(error), value=step.use, near=near)) from None
    _vet(found, step, source, at)
    plugin, config = found.target, None
    if isinstance(plugin, type):
        plugin, config = _build(plugin, step, source, at)
    elif step.config:
        kind = "a bare module" if isinstance(plugin, ModuleType) else "an object"
        raise ConfigError(source.problem((*at, "config"), f"has no place here: {step.use} is {kind} without settings"))
    return Loaded(
        entry=step,
        name=step.name,
        plugin=plugin,
        config=config,
        mode=step.mode,
        on_error=step.on_error or _policy(plugin, step, source, at),
        timeout=step.timeout,
        origin=found.origin,
    )


def _vet(found: Found, step: Step, source: Source, at: YamlPath) -> None:
    rules = list(broken_rules(found.target))
    if rules and isinstance(found.target, ModuleType) and not hooks_of(found.target):
        classes = plugin_classes(found.target)
        if classes:
            rules = [(f"has no hook of its own: use {step.use}:{classes[0].__name__}", None)]
    path = (*at, "use")
    problems = [source.problem(path, rule, value=step.use, near=near) for rule, near in rules]
    if problems:
        raise ConfigError(problems)


def _build(plugin: type, step: Step, source: Source, at: YamlPath) -> tuple[object, BaseModel | None]:
    model = config_of(plugin)
    arguments: list[BaseModel] = []
    if model is None and step.config:
        raise ConfigError(source.problem((*at, "config"), f"has no place here: {plugin.__name__} takes no settings"))
    if model is not None:
        if model.model_config.get("extra") != "forbid":
            raise ConfigError(source.problem((*at, "use"), f"has a Config without extra='forbid': {plugin.__name__}"))
        valid, source = source.validated(model, step.config or {}, (*at, "config"))
        arguments = [valid]
    named = {"name": step.name} if "name" in _parameters(plugin) else {}
    try:
        built = foreign(plugin, *arguments, **named)
    except PluginError as error:
        raise ConfigError(
            source.problem(at, f"{plugin.__name__} cannot be built: {one_line(source.hushed(str(error)))}")
        ) from None
    return built, arguments[0] if arguments else None


def config_of(plugin: type) -> type[BaseModel] | None:
    """The settings of a plugin class: its nested ``Config``, or its module's if its ``__init__`` takes one."""
    nested = inspect.getattr_static(plugin, "Config", None)
    if isinstance(nested, type) and issubclass(nested, BaseModel):
        return nested
    module = inspect.getmodule(plugin)
    shared = getattr(module, "Config", None)
    takes = [name for name in _parameters(plugin) if name != "name"]
    return shared if takes and isinstance(shared, type) and issubclass(shared, BaseModel) else None


def _parameters(plugin: type) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(plugin).parameters)
    except (TypeError, ValueError):
        return ()


def _policy(plugin: object, step: Step, source: Source, at: YamlPath) -> Literal["skip", "reject"]:
    declared = inspect.getattr_static(plugin, "on_error", "skip")
    if declared == "skip":
        return "skip"
    if declared == "reject":
        return "reject"
    rule = f"declares on_error = {declared!r}: it must be 'skip' or 'reject'"
    raise ConfigError(source.problem((*at, "use"), rule, value=step.use))


def _used_before(found: Loaded, loaded: Iterable[Loaded], source: Source, at: YamlPath) -> Iterator[Problem]:
    for earlier in loaded:
        if earlier.plugin is found.plugin:
            kind = "module" if isinstance(found.plugin, ModuleType) else "object"
            rule = f"is in use by {earlier.name!r} already: a {kind} can be used once, a class as often as you like"
            yield source.problem((*at, "use"), rule, value=found.entry.use)
        elif (
            type(earlier.plugin) is type(found.plugin)
            and inspect.getattr_static(found.plugin, "once", False) is True
            and "off" not in (earlier.mode, found.mode)
        ):
            rule = f"is in use by {earlier.name!r} already, and can be used once"
            yield source.problem((*at, "use"), rule, value=found.entry.use)
