"""What one call takes from one limit, and how that limit then stands: the language of the limiter's engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple


class Kind(IntEnum):
    """How a limit forgets. The numbers are those of ``script.lua``."""

    SLIDING = 1
    """A sliding-window counter: this window's count, and the last one's by the part that still lies in the window."""
    CALENDAR = 2
    """A count that begins again at the start of each minute, hour, day, … of a time zone."""
    BUCKET = 3
    """A token bucket, kept as one number: when it will be full (the theoretical arrival time of GCRA, ITU-T I.371)."""
    LEASE = 4
    """How many are under way. Each holds a lease, which ends by itself if it is not renewed."""


UNLIMITED: Final = 2**53 - 1
"""The largest whole number that Lua's numbers hold exactly."""


NONE: Final = "\0"
"""How no subject begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One limit as it stands for one call.

    ``subject`` names whose counters they are, within an organization (``o``; ``k:<key id>``, …): the counters of one
    subject are one Redis hash. ``field`` names the limit within it, the same over restarts as long as the limit means
    the same. ``limit`` and ``amount`` are whole numbers of the limit's unit: requests, tokens, nano-dollars, or calls
    under way. Of the rest, times in milliseconds, each kind has its own:

    ``beyond`` is a part of both ``amount`` and ``limit``: it is taken too, but there need not be room for it.

    - SLIDING: ``window``, aligned to multiples of itself since 1970.
    - CALENDAR: ``start`` (inclusive) and ``end`` (exclusive) of the window in which it is now, ``after``: the end of
      the one that follows.
    - BUCKET: ``window``, in which ``limit`` are refilled, and ``burst``, how many it holds.
    - LEASE: ``window``, for how long a lease holds.
    """

    subject: str
    field: str
    kind: Kind
    limit: int
    amount: int
    window: int = 0
    start: int = 0
    end: int = 0
    after: int = 0
    burst: int = 0
    beyond: int = 0

    @property
    def needed(self) -> int:
        """For how much there must be room."""
        return self.amount - self.beyond

    @property
    def most(self) -> int:
        """The largest amount that ever fits."""
        return self.burst if self.kind is Kind.BUCKET else self.limit


class State(NamedTuple):
    """One limit as a call found it, or, when it was admitted, left it.

    ``remaining`` is a whole number, 0 or more. ``reset`` is when the present window ends, of a bucket when it will be
    full (milliseconds since 1970; 0 for a lease). ``retry`` is in how many milliseconds the amount will fit if nobody
    else takes anything meanwhile: 0 when it fits now, -1 when that cannot be known (a lease) or will never be.
    """

    remaining: int
    reset: int
    retry: int


class Verdict(NamedTuple):
    """``now`` is the engine's time in milliseconds since 1970. ``states`` are in the order of the charges.

    ``refused`` are the indices of the charges that did not fit; empty when the call is admitted. A refusal wrote
    nothing.
    """

    now: int
    states: Sequence[State]
    refused: tuple[int, ...] = ()

    @property
    def admitted(self) -> bool:
        return not self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What was taken from a limit, and what is to be added to it: ``delta``, negative to give back.

    ``start`` is the start of the window in which it was taken (of SLIDING and CALENDAR): what has been forgotten since
    is not given back.
    """

    charge: Charge
    delta: int
    start: int = 0
