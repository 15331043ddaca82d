"""What plugins find wrong in their settings once they know what the others offer, with where it is in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hooks import Metric, Misfit, PluginError, Problem

from .foreign import ask, foreign
from .loader import Loaded
from .resolve import one_line
from .shape import is_secret
from .source import Source

if TYPE_CHECKING:
    import pluggy

_ABSENT: Final = object()


def misfits(
    manager: pluggy.PluginManager, loaded: Sequence[Loaded], metrics: Mapping[str, Metric], source: Source
) -> Iterator[Problem]:
    """Raises `PluginError` for a plugin that fails to say."""
    entries = {one.name: (index, one) for index, one in enumerate(loaded)}
    for hook in manager.hook.misfits.get_hookimpls():
        index, entry = entries[hook.plugin_name]
        found: list[Any] = foreign(list, ask(hook, "misfits", metrics) or ())
        for one in found:
            if not isinstance(one, Misfit):
                raise PluginError(f"plugin {entry.name!r}: misfits() gives {one!r:.80}, which is no hooks.Misfit")
            yield _problem(one, index, entry, source)


def _problem(one: Misfit, index: int, entry: Loaded, source: Source) -> Problem:
    rule, secret = one_line(source.hushed(one.rule)), entry.config is not None and is_secret(type(entry.config), one.at)
    at, value = ("pipeline", index, "config", *one.at), _value(entry.entry.config, one.at)
    if value is _ABSENT:
        return source.problem(at, rule, near=one.nearest)
    return source.problem(at, rule, value=value, near=one.nearest, secret=secret)


def _value(data: Any, at: tuple[str | int, ...]) -> object:
    for step in at:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return _ABSENT
    return data
