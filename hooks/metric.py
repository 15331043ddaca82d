"""A figure of a plugin's own that alert rules can watch, and a part of its own in summaries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from .channel import Part

if TYPE_CHECKING:
    from .gateway import Sums

Unit = Literal["usd", "share", "seconds", "count", "score"]

QUANTILES: Final = (0.5, 0.95, 0.99)
"""Those of the sums that a metric is given, where it asks for latencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Either ``of`` the ledger's sums of a window, a pure function; or ``read`` for one organization as of a time.

    None is for a figure that there is not (yet): no rule is broken by it. What is ``of`` sums is known for any window
    and filter, and is given ``Sums.seconds`` at `QUANTILES` if ``latencies`` is set. What is read has no window and no
    filter, and is asked for as seldom as costs are; it raises ``hooks.Unavailable`` or ``hooks.Unanswerable``.
    """

    name: str
    description: str
    unit: Unit
    of: Callable[[Sums], float | None] | None = None
    latencies: bool = False
    read: Callable[[str, datetime], Awaitable[float | None]] | None = None

    def __post_init__(self) -> None:
        if (self.of is None) == (self.read is None):
            raise ValueError(f"metric {self.name!r}: it has either of or read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a plugin has to say in the summary of ``[since, until)``: the parts, or none. May raise as a `Metric`."""

    name: str
    read: Callable[[str, datetime, datetime], Awaitable[Sequence[Part]]]
