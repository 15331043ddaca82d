"""The prices of one configuration: which one holds for a deployment, at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hooks import Deployment

from .dated import Dated, dated_for, read_table
from .price import Price
from .price_map import price_map_path, prices_for, read_map


def _now() -> datetime:
    # By `time`, which a replay sets to another day; ``datetime.now`` would not know.
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices by deployment id (``own``: the configuration's, which win), then by ``provider/model``.

    Of those, ``dated`` is our table, ``known`` LiteLLM's map. ``clock`` says when a call that names no time is made.
    """

    own: Mapping[str, Price] = field(default_factory=dict)
    dated: Mapping[str, tuple[Dated, ...]] = field(default_factory=dict)
    known: Mapping[str, Price] = field(default_factory=dict)
    clock: Callable[[], datetime] = _now

    def of(self, deployment: Deployment, model: str | None = None, *, at: datetime | None = None) -> Price | None:
        """None when unknown, which is not zero. ``model`` is what a catch-all deployment was asked for."""
        own = self.own.get(deployment.id)
        if own is not None:
            return own
        name = f"{deployment.provider}/{model or deployment.upstream_model}"
        for dated in self.dated.get(name, ()):
            if dated.holds(at or self.clock()):
                return dated.price
        price = self.known.get(name)
        return price if price is None or price.off_peak is None else price.at(at or self.clock())

    def unpriced(self, deployments: Iterable[Deployment]) -> tuple[str, ...]:
        """The ids of those without a price now. A catch-all is never among them: ask `of` for each model it is sent."""
        return tuple(one.id for one in deployments if "*" not in one.upstream_model and self.of(one) is None)

    @classmethod
    def load(
        cls, deployments: Iterable[Deployment], own: Mapping[str, Price] | None = None, path: Path | None = None
    ) -> PriceBook:
        """Reads our table and the price map (3 MB, some 20 ms) and keeps only what these deployments can be asked for.

        For the lifespan, not for import. A map that is missing or not JSON leaves the other prices alone. Entries are
        always named ``provider/model``, also where the map has the bare model name.
        """
        own = own or {}
        wanted = [one for one in deployments if one.id not in own]
        path = path or price_map_path()
        entries = read_map(path) if wanted and path is not None else {}
        table = read_table() if wanted else ()
        dated: dict[str, dict[Dated, None]] = {}
        known: dict[str, Price] = {}
        for deployment in wanted:
            known.update(prices_for(deployment, entries))
            for name, one in dated_for(deployment, table):
                dated.setdefault(name, {})[one] = None
        return cls(own=own, dated={name: tuple(ones) for name, ones in dated.items()}, known=known)
