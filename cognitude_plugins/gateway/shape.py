"""What a pydantic model says about a path in its data: the names it knows there, and whether it is a secret."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr

from .yamltree import Step, YamlPath

_SECRETS = (SecretStr, SecretBytes)


def known_names(model: type[BaseModel], path: YamlPath) -> frozenset[str]:
    """The field names of whatever model stands at a path; empty where there is none."""
    names: set[str] = set()
    for shape in _at(model, path):
        if _is_model(shape):
            names |= _fields(shape).keys()
    return frozenset(names)


def secret_paths(model: type[BaseModel], data: object) -> Iterator[YamlPath]:
    """The paths in ``data`` at which the model wants a secret and a string stands."""
    yield from _secrets((model,), data, ())


def is_secret(model: type[BaseModel], path: YamlPath) -> bool:
    """Whether this path, or one above it, is a secret; a mapping or list that may hold one counts too."""
    shapes: tuple[Any, ...] = (model,)
    for step in path:
        shapes = _below(shapes, step)
        if any(shape in _SECRETS for shape in shapes):
            return True
    return any(_holds_secret(shape, frozenset()) for shape in shapes)


def _secrets(shapes: tuple[Any, ...], data: object, path: YamlPath) -> Iterator[YamlPath]:
    if isinstance(data, str):
        if any(shape in _SECRETS for shape in shapes):
            yield path
        return
    items: Iterator[tuple[Step, object]] = iter(())
    if isinstance(data, dict):
        items = iter(data.items())
    elif isinstance(data, list):
        items = iter(enumerate(data))
    for step, item in items:
        yield from _secrets(_below(shapes, step), item, (*path, step))


def _holds_secret(shape: Any, seen: frozenset[Any]) -> bool:
    if shape in _SECRETS:
        return True
    if _is_model(shape):
        if shape in seen:
            return False
        fields = _fields(shape).values()
        return any(_holds_secret(inner, seen | {shape}) for field in fields for inner in _options(field))
    return any(_holds_secret(inner, seen) for arg in get_args(shape) for inner in _options(arg))


def _at(model: type[BaseModel], path: YamlPath) -> tuple[Any, ...]:
    shapes: tuple[Any, ...] = (model,)
    for step in path:
        shapes = _below(shapes, step)
    return shapes


def _below(shapes: tuple[Any, ...], step: Step) -> tuple[Any, ...]:
    found: list[Any] = []
    for shape in shapes:
        if _is_model(shape):
            found += _options(_fields(shape).get(str(step)))
            continue
        origin, args = get_origin(shape), [arg for arg in get_args(shape) if arg is not Ellipsis]
        if not args or not isinstance(origin, type):
            continue
        if issubclass(origin, Mapping):
            found += _options(args[-1]) if isinstance(step, str) else []
        elif isinstance(step, int):
            found += _options(args[step] if origin is tuple and step < len(args) else args[0])
    return tuple(found)


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Annotations by every name under which a field may be written."""
    by_name: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        alias = info.validation_alias or info.alias
        names = (
            [item for item in alias.choices if isinstance(item, str)] if isinstance(alias, AliasChoices) else [alias]
        )
        for written in names:
            by_name[written if isinstance(written, str) else name] = info.annotation
    return by_name


def _options(annotation: Any) -> list[Any]:
    """The members of a union, annotations stripped."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [option for arg in get_args(annotation) for option in _options(arg)]
    return [] if annotation is None else [annotation]
