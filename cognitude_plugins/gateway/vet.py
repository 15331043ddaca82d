"""Whether a plugin's hooks keep the contract: their names, parameters, kinds and options. Nothing of it is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, Final

from hooks import spec

from .source import nearest

ATTRIBUTE: Final = f"{spec.PROJECT}_impl"
HOOKS: Final = (*spec.STAGES, *spec.CONTRIBUTIONS)
_MAY_BE_ASYNC: Final = frozenset({"pre_request", "route", "post_response", "health"})
_MAY_YIELD: Final = frozenset({"schedule", "routes", "tables", "metrics", "sections", "misfits"})


def hooks_of(plugin: object) -> dict[str, Any]:
    """What is marked with ``@hookimpl`` on a plugin, by attribute name, unbound; no property is evaluated."""
    found: dict[str, Any] = {}
    for name, member in _members(plugin):
        function = _function(member)
        if isinstance(getattr(function, ATTRIBUTE, None), Mapping):
            found[name] = member
    return found


def broken_rules(plugin: object) -> Iterator[tuple[str, str | None]]:
    """Every broken rule with the nearest known name, if one is meant."""
    marked = hooks_of(plugin)
    unmarked = sorted(name for name in _unmarked(plugin) if name not in marked)
    if not marked:
        hint = f": {', '.join(unmarked)} would be, if marked" if unmarked else ""
        yield f"has no hook; did somebody forget @hookimpl?{hint}", None
        return
    for name in unmarked:
        if name in spec.STAGES:
            yield f"has a function {name} that is not marked: mark it with @hookimpl or call it something else", None
    for name, member in marked.items():
        function = _function(member)
        yield from _options(name, getattr(function, ATTRIBUTE))
        if name not in HOOKS:
            yield f"marks {name}, and there is no such hook", nearest(name, HOOKS)
        elif isinstance(member, property):
            yield f"has {name} as a property: it must be a function", None
        else:
            yield from _kind(name, function)
            yield from _parameters(name, function, takes_self=_takes_self(plugin, name, member))


def _members(plugin: object) -> Iterator[tuple[str, Any]]:
    if isinstance(plugin, ModuleType):
        yield from sorted(vars(plugin).items())
        return
    of_class = plugin if isinstance(plugin, type) else type(plugin)
    names = dict.fromkeys(name for part in reversed(of_class.__mro__) for name in vars(part))
    own = plugin.__dict__ if not isinstance(plugin, type) and hasattr(plugin, "__dict__") else {}
    for name in sorted({*names, *own}):
        yield name, inspect.getattr_static(plugin, name, None)


def _function(member: Any) -> Any:
    if isinstance(member, staticmethod | classmethod):
        return member.__func__
    return member.fget if isinstance(member, property) else member


def _unmarked(plugin: object) -> Iterator[str]:
    for name, member in _members(plugin):
        function = _function(member)
        ours = not isinstance(plugin, ModuleType) or getattr(function, "__module__", "") == plugin.__name__
        if name in HOOKS and isinstance(function, FunctionType) and ours:
            yield name


def _options(name: str, options: Mapping[str, Any]) -> Iterator[tuple[str, None]]:
    for option, value in options.items():
        if value:
            why = "the order is that of plugins.yaml" if option in ("tryfirst", "trylast") else "@hookimpl takes none"
            yield f"marks {name} with {option}: {why}", None


def _kind(name: str, function: Any) -> Iterator[tuple[str, None]]:
    inner = function.__func__ if inspect.ismethod(function) else function
    if inspect.isasyncgenfunction(inner):
        advice = ": put @asynccontextmanager under @hookimpl" if name == "lifespan" else ": it must return, not yield"
        yield f"has {name} as an async generator{advice}", None
    elif inspect.iscoroutinefunction(inner) and name not in _MAY_BE_ASYNC:
        yield f"has {name} as an async function: it must be a plain def", None
    elif inspect.isgeneratorfunction(inner) and name not in _MAY_YIELD:
        yield f"has {name} as a generator: it must return, not yield", None


def _takes_self(plugin: object, name: str, member: Any) -> bool:
    if isinstance(plugin, ModuleType) or isinstance(member, staticmethod):
        return False
    return isinstance(member, classmethod) or not (
        not isinstance(plugin, type) and name in getattr(plugin, "__dict__", {})
    )


def _parameters(name: str, function: Any, *, takes_self: bool) -> Iterator[tuple[str, str | None]]:
    known = tuple(inspect.signature(getattr(spec, name)).parameters)
    try:
        parameters = list(inspect.signature(function).parameters.values())[1 if takes_self else 0 :]
    except (TypeError, ValueError):
        yield f"has {name} as something whose parameters cannot be seen: it must be a function", None
        return
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty and parameter.name not in known:
            takes = f"may take {', '.join(known)}" if known else "takes none"
            yield f"has {name} with a parameter {parameter.name}: {name} {takes}", nearest(parameter.name, known)
