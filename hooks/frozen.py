"""JSON values that can be read by everyone and changed by no one."""

from __future__ import annotations

from typing import Any, Final, NoReturn

_RULE = "is read-only: hand on a changed copy, as in `return call.set(temperature=0)` or `thaw(body)`"


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(f"this {'object' if isinstance(self, dict) else 'array'} {_RULE}")


class FrozenDict(dict[str, Any]):
    """A JSON object whose every mutator raises ``TypeError``; equal to the plain dict it was made of."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {key: thaw(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return (freeze, (thaw(self),))


class FrozenList(list[Any]):
    """A JSON array whose every mutator raises ``TypeError``; equal to the plain list it was made of."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [thaw(item) for item in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return (freeze, (thaw(self),))


_READ_ONLY: Final = frozenset({str, int, float, bool, type(None), FrozenDict, FrozenList})


def freeze(value: Any) -> Any:
    """A read-only copy of a JSON value; what is frozen already is returned as it is.

    Recursive: the depth of what comes over the wire is bounded by the gateway (64) before this is called.
    """
    if type(value) in _READ_ONLY:
        return value
    if isinstance(value, dict):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return FrozenList([freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:
    """A deep copy of a JSON value made of plain dicts and lists, free to change."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(item) for item in value]
    return value
