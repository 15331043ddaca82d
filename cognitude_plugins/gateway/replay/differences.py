"""What is different between two configuration files, as they are written: nothing that they refer to is put in.

Secrets may be written out in a file all the same. A value is hidden where a schema says that it is one, where its name
says so, and in an address what stands before the @ and every value of the query.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from ..fields import default_name
from ..providers.provider import carries_a_secret
from ..shape import secret_paths

if TYPE_CHECKING:
    from ..loader import Loaded

Kind = Literal["added", "removed", "changed", "moved"]

HIDDEN: Final = "**********"
_REFERENCE: Final = re.compile(r"\$\{[^{}]*\}|(?:os\.environ/|file:).*", re.DOTALL)
_ADDRESS: Final = re.compile(r"^(?:[\w+.-]+://|\$\{).*|://\S+", re.DOTALL)
"""A text that begins as one is one to its end; what a variable stands at the beginning of may be one."""
_USERINFO: Final = re.compile(r"(?<=://)(?:[^:/@\s]*:[^@\s]*|[^/@\s]*)@")
_QUERY: Final = re.compile(r"([?&#])([^=?&#]*=)?[^?&#]*")
_SECTIONS_OF_SECRETS: Final = frozenset({"headers", "secret_keys"})
_NO_SECRETS: Final = frozenset(
    {"keys", "server_timing_header", "tags_header", "auth", "key", "max_tokens", "max_completion_tokens"}
)
_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``path`` as in ``pipeline.limiter.config.limits[0].limit``; values as JSON has them, secrets hidden."""

    path: str
    kind: Kind
    before: Any = None
    after: Any = None

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "change": self.kind, "before": self.before, "after": self.after}


def differences(before: Any, after: Any, hidden: Collection[str] | None = ()) -> tuple[Difference, ...]:
    """Between the data of two documents. Models and entries of the pipeline are compared by their names.

    ``hidden`` are texts that are not shown, whatever they are called; None where they are not known: then no text of
    plugins' settings is shown.
    """
    found = _differences(before, after)
    if hidden is None:
        return tuple(_without_settings(one) for one in found)
    return tuple(replace(one, before=_without(one.before, hidden), after=_without(one.after, hidden)) for one in found)


def secrets_of(loaded: Iterable[Loaded]) -> frozenset[str]:
    """What plugins' settings have in places that their schemas call secret."""
    texts = set()
    for entry in loaded:
        if entry.config is None:
            continue
        for path in secret_paths(type(entry.config), entry.entry.config or {}):
            value: Any = entry.entry.config
            for step in path:
                value = value[step]
            texts.add(str(value))
    return frozenset(texts - {""})


def _without(value: Any, hidden: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(one, hidden) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    return HIDDEN if isinstance(value, str) and any(text in value for text in hidden) else value


def _without_settings(one: Difference) -> Difference:
    if not one.path.startswith("pipeline"):
        return one
    within = ".config" in one.path
    return replace(one, before=_without_texts(one.before, within), after=_without_texts(one.after, within))


def _without_texts(value: Any, within: bool) -> Any:
    """``within`` settings all of them; outside only those that are below ``config``."""
    if isinstance(value, Mapping):
        return {name: _without_texts(one, within or name == "config") for name, one in value.items()}
    if isinstance(value, list):
        return [_without_texts(one, within) for one in value]
    return HIDDEN if within and isinstance(value, str) else value


def _differences(before: Any, after: Any) -> tuple[Difference, ...]:
    before, after = (one if isinstance(one, Mapping) else {} for one in (before, after))
    found: list[Difference] = []
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if name in ("pipeline", "models"):
            named = _entries if name == "pipeline" else _models
            found += _lists(name, named(was), named(now), moved=True)
        else:
            found += _values(name, was if name in before else _MISSING, now if name in after else _MISSING)
    return tuple(found)


def _lists(at: str, before: Mapping[str, Any], after: Mapping[str, Any], *, moved: bool) -> Iterator[Difference]:
    kept = [name for name in before if name in after]
    order = [name for name in after if name in before]
    for name, one in before.items():
        if name not in after:
            yield Difference(path=f"{at}.{name}", kind="removed", before=shown(name, one))
    for name, one in after.items():
        path = f"{at}.{name}"
        if name not in before:
            yield Difference(path=path, kind="added", after=shown(name, one))
            continue
        if moved and name in _out_of_order(kept, order):
            places = list(before).index(name) + 1, list(after).index(name) + 1
            yield Difference(path=path, kind="moved", before=places[0], after=places[1])
        yield from _values(path, before[name], one)


def _out_of_order(before: Sequence[str], after: Sequence[str]) -> frozenset[str]:
    """The fewest that have to be moved to come from the one order to the other."""
    places = [before.index(name) for name in after]
    best: list[tuple[int, ...]] = []
    for place in places:
        longest = max((run for run in best if run[-1] < place), key=len, default=())
        best.append((*longest, place))
    stay = max(best, key=len, default=())
    return frozenset(name for name, place in zip(after, places, strict=True) if place not in stay)


def _values(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _values(f"{path}.{name}", before.get(name, _MISSING), after.get(name, _MISSING))
    elif _are_lists(before, after) and len(before) == len(after):
        for index, (was, now) in enumerate(zip(before, after, strict=True)):
            yield from _values(f"{path}[{index}]", was, now)
    elif before is _MISSING or after is _MISSING or before != after:
        yield _difference(path, before, after)


def _difference(path: str, before: Any, after: Any) -> Difference:
    kind: Kind = "added" if before is _MISSING else "removed" if after is _MISSING else "changed"
    was, now = (None if one is _MISSING else _shown_at(path, one) for one in (before, after))
    return Difference(path=path, kind=kind, before=was, after=now)


def _are_lists(before: Any, after: Any) -> bool:
    mappings = isinstance(before, list) and isinstance(after, list)
    return mappings and all(isinstance(one, (Mapping, list)) for one in (*before, *after))


def _shown_at(path: str, value: Any) -> Any:
    """A value is as secret as what it is in."""
    steps = [step for step in re.split(r"[.\[]", path) if not step.endswith("]")]
    if any(step in _SECTIONS_OF_SECRETS for step in steps):
        return HIDDEN
    return shown(steps[-1], value, steps[-2] if len(steps) > 1 else "")


def shown(name: str, value: Any, within: str = "") -> Any:
    """Without secrets. A reference to a variable or a file is none."""
    if isinstance(value, Mapping):
        hidden = name in _SECTIONS_OF_SECRETS
        return {key: HIDDEN if hidden else shown(str(key), one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [HIDDEN if name in _SECTIONS_OF_SECRETS else shown(name, one, within) for one in value]
    if not isinstance(value, str):
        return value
    if _is_secret(name, within):
        return value if _REFERENCE.fullmatch(value) and ":-" not in value else HIDDEN
    return _ADDRESS.sub(_address, value)


def _is_secret(name: str, within: str) -> bool:
    """The organization of a key is a name of ours; that of a provider says whose account it is."""
    ours = name in _NO_SECRETS or (within, name) == ("keys", "organization")
    return not ours and carries_a_secret(name)


def _address(found: re.Match[str]) -> str:
    return _QUERY.sub(_query, _USERINFO.sub(f"{HIDDEN}@", found[0]))


def _query(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2] or ''}{HIDDEN}"


def _entries(found: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for index, one in enumerate(found if isinstance(found, list) else ()):
        use = one.get("use") if isinstance(one, Mapping) else None
        name = one.get("name") if isinstance(one, Mapping) else None
        named[str(name or (default_name(use) if isinstance(use, str) else index))] = one
    return named


def _models(found: Any) -> dict[str, Any]:
    """By deployment, as in ``gpt-4o#2``."""
    named: dict[str, Any] = {}
    for index, one in enumerate(found if isinstance(found, list) else ()):
        name = str(one.get("name", index)) if isinstance(one, Mapping) else str(index)
        number = 1 + sum(1 for other in named if other.partition("#")[0] == name)
        named[name if number == 1 else f"{name}#{number}"] = one
    return named
