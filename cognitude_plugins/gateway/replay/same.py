"""What a configuration has in common with the one under which the calls were recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..loader import Loaded
from ..providers import Target
from ..providers.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """``entries`` are the names of pipeline entries that are the same in both."""

    entries: frozenset[str]
    _now: Catalog
    _then: Catalog

    @classmethod
    def of(cls, loaded: Sequence[Loaded], catalog: Catalog, then: Sequence[Loaded], before: Catalog) -> Common:
        recorded = {one.name: one for one in then}
        same = (one.name for one in loaded if one.name in recorded and _equal(one, recorded[one.name]))
        return cls(entries=frozenset(same), _now=catalog, _then=before)

    def models(self, name: str) -> bool:
        """Whether a model leads to the same deployments, in the same order and at the same price, as it did then."""
        now, then = self._now, self._then
        return (
            _reached(now, name) == _reached(then, name)
            and _priced(now, name) == _priced(then, name)
            and [one for one, _ in now.fallbacks.get(name, ())] == [one for one, _ in then.fallbacks.get(name, ())]
        )

    def price(self, deployment: str) -> bool:
        """Whether what the configurations themselves say of a deployment's price is the same."""
        there = deployment in _ids(self._now) and deployment in _ids(self._then)
        return there and self._now.prices.get(deployment) == self._then.prices.get(deployment)


def _equal(one: Loaded, other: Loaded) -> bool:
    same = (one.entry.use, one.mode, one.on_error, one.timeout) == (
        other.entry.use,
        other.mode,
        other.on_error,
        other.timeout,
    )
    return same and one.config == other.config and one.entry.config == other.entry.config


def _reached(catalog: Catalog, name: str) -> list[tuple[object, ...]]:
    found: Sequence[Target] = catalog.find(name)
    return [(one.deployment, one.deployment.info) for one in found]


def _priced(catalog: Catalog, name: str) -> list[object]:
    return [catalog.prices.get(one.deployment.id) for one in catalog.find(name)]


def _ids(catalog: Catalog) -> Mapping[str, object]:
    return {one.id: one for one in catalog.deployments()}
