"""What plugins offer each other: figures that can be watched, and parts of summaries. Collected once, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hooks import Metric, PluginError, Section

from .foreign import ask, foreign

if TYPE_CHECKING:
    import pluggy

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()


def offered(manager: pluggy.PluginManager) -> Offers:
    """In the order of the list. Raises `PluginError` for what is of another kind, and for a name that is taken."""
    metrics: dict[str, tuple[str, Metric]] = {}
    for plugin, metric in _collected(manager, "metrics", Metric):
        if not _NAME.fullmatch(metric.name):
            raise PluginError(f"plugin {plugin!r}: metric {metric.name!r} is not a lower-case word with underscores")
        first, _ = metrics.setdefault(metric.name, (plugin, metric))
        if metrics[metric.name][1] is not metric:
            raise PluginError(f"plugin {plugin!r}: metric {metric.name!r} is {first!r}'s already")
    return Offers(
        metrics={name: metric for name, (_, metric) in metrics.items()},
        sections=tuple(section for _, section in _collected(manager, "sections", Section)),
    )


def _collected(manager: pluggy.PluginManager, name: str, kind: type[Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for hook in getattr(manager.hook, name).get_hookimpls():
        given: list[Any] = foreign(list, ask(hook, name) or ())
        for one in given:
            if not isinstance(one, kind):
                kinds = f"no hooks.{kind.__name__}"
                raise PluginError(f"plugin {hook.plugin_name!r}: {name}() gives {one!r}, which is {kinds}")
            found.append((hook.plugin_name, one))
    return found
