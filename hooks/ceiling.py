"""Amounts that may not be spent: who sets them publishes them, who limits spending holds calls to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CeilingScope = Literal["organization", "key", "user", "tag", "provider"]
CeilingPeriod = Literal["day", "week", "month", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """No more than ``nano_usd`` in each ``per``, by calls of ``organization`` that have ``value``.

    ``value`` is the key's id, the user, ``name=value`` of a tag or the provider's name; empty for the whole of the
    organization. Periods are calendar ones of its time zone; ``total`` is from ``since`` on, which the others do not
    have. ``id`` names it among those of its organization: with another amount it is still the same one. ``status`` is
    that of the refusal.
    """

    id: str
    organization: str
    nano_usd: int
    per: CeilingPeriod
    scope: CeilingScope = "organization"
    value: str = ""
    since: datetime | None = None
    name: str = ""
    status: Literal[402, 429] = 402

    def __post_init__(self) -> None:
        if (self.value == "") != (self.scope == "organization"):
            raise ValueError(f"ceiling {self.id!r}: scope {self.scope!r} with value {self.value!r}")
        if (self.since is None) == (self.per == "total"):
            raise ValueError(f"ceiling {self.id!r}: per {self.per!r} with since {self.since}")
        if self.nano_usd < 0:
            raise ValueError(f"ceiling {self.id!r}: {self.nano_usd} nano-dollars is below zero")


class Ceilings:
    """Those in force in this process: each worker's plugins publish and read their own."""

    def __init__(self) -> None:
        self._published: dict[str, tuple[Ceiling, ...]] = {}
        self._holders: set[str] = set()
        self.version = 0
        """Another number after every change."""

    def publish(self, publisher: str, ceilings: Iterable[Ceiling]) -> None:
        """These, in place of what this publisher (a plugin's name) published before."""
        found = tuple(ceilings)
        if found != self._published.get(publisher, ()):
            self._published[publisher] = found
            self.version += 1

    def all(self) -> tuple[Ceiling, ...]:
        return tuple(one for found in self._published.values() for one in found)

    def hold(self, holder: str) -> None:
        """Say that the plugin of this name holds calls to them, until it is stopped (`let_go`)."""
        self._holders.add(holder)

    def let_go(self, holder: str) -> None:
        self._holders.discard(holder)

    @property
    def held(self) -> bool:
        """Whether some plugin holds calls to them."""
        return bool(self._holders)
