"""What was set for one organization over the limits of plugins.yaml, in two layers, and what is in force then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .rules import Origin, consistent, identity
from .settings import Limit

Layer = Literal["operator", "organization"]
"""``operator`` is set by gateway admins, in place of limits of plugins.yaml and beside them. ``organization`` is set by
its own admins, beside all others and with counters of their own: nothing passes that the others refuse.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One layer's limits for an organization, or with ``key`` for one key of it. ``updated_ms`` since 1970."""

    organization: str
    key: str
    layer: Layer
    limits: tuple[Limit, ...]
    updated_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A limit in force, and who set it; ``key`` where it was set for that key alone."""

    limit: Limit
    origin: Origin
    key: str = ""

    @property
    def name(self) -> tuple[str, str]:
        return self.limit.scope, identity(self.limit)


def effective(limits: Iterable[Limit], overrides: Iterable[Override], key: str = "") -> tuple[Effective, ...]:
    """The limits of one key, with ``key`` empty those of keys for which nothing was set, the organization's own last.

    Within a layer what was set for the key takes the place of the same limit for all. What contradicts itself is in
    force all the same: it is looked at when it is set.
    """
    given = [Effective(limit=limit, origin="configuration") for limit in limits]
    own: list[Effective] = []
    for one in sorted((one for one in overrides if one.key in ("", key)), key=lambda one: one.key):
        over = [Effective(limit=limit, origin=one.layer, key=one.key) for limit in one.limits]
        if one.layer == "operator":
            given = _overlaid(given, over)
        else:
            own = _overlaid(own, over)
    return (*given, *own)


def check(limits: Sequence[Limit], overrides: Sequence[Override], layer: Layer, key: str) -> None:
    """Raises ``ValueError`` when what is set in a layer contradicts itself, or what it stands on, for a key.

    With ``key`` empty for any key: to be asked when what holds for all is changed.
    """
    inside = [one for one in overrides if one.layer == layer]
    under = limits if layer == "operator" else ()
    for one in (key,) if key else sorted({"", *(one.key for one in inside)}):
        try:
            consistent([found.limit for found in effective(under, inside, one)])
        except ValueError as error:
            raise ValueError(f"for the key {one}: {error}" if one != key else str(error)) from None


def _overlaid(below: Sequence[Effective], above: Sequence[Effective]) -> list[Effective]:
    by_name = {one.name: one for one in above}
    found = [by_name.pop(one.name, one) for one in below]
    return [*found, *by_name.values()]
