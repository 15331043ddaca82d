"""What plugins offer each other: figures that can be watched, and parts of summaries. Collected once, by name.

Who uses one plugin's is not to fall with it: what is asked for and fails in any way is `hooks.Unavailable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from hooks import Metric, Part, PluginError, Section, Sums

from .foreign import Failed, answer, answer_later, ask, foreign

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
        metrics={name: _metric(plugin, metric) for name, (plugin, metric) in metrics.items()},
        sections=tuple(_section(plugin, section) for plugin, section in _collected(manager, "sections", Section)),
    )


def _metric(plugin: str, metric: Metric) -> Metric:
    of, read, what = metric.of, metric.read, f"metric {metric.name!r}"

    def of_sums(sums: Sums) -> float | None:
        assert of is not None
        return _number(plugin, what, answer(plugin, what, of, sums))

    async def of_organization(organization: str, at: datetime) -> float | None:
        assert read is not None
        return _number(plugin, what, await answer_later(plugin, what, read, organization, at))

    return replace(metric, of=of and of_sums, read=read and of_organization)


def _number(plugin: str, what: str, found: object) -> float | None:
    if found is None or (isinstance(found, (int, float)) and isfinite(found)):
        return found
    raise Failed(f"plugin {plugin!r} failed in {what}: it gives {found!r:.80}")


def _section(plugin: str, section: Section) -> Section:
    read = section.read

    async def parts(organization: str, since: datetime, until: datetime) -> Sequence[Part]:
        return await answer_later(plugin, f"section {section.name!r}", read, organization, since, until)

    return replace(section, read=parts)


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
