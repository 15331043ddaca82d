"""How many bytes may wait for the database, and how many of them one process may write before it looks again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from .space import Found

_SMALLEST_SEGMENT: Final = 16_384
_SEGMENTS_AT_LEAST: Final = 64
_MOST_HEADROOM: Final = 4_194_304


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """All in bytes. It is close when ``low`` are left, and no longer when ``high`` are left again."""

    most: int
    low: int
    high: int
    segment: int
    rejects: bool

    @classmethod
    def of(
        cls, most: int, on_full: Literal["drop_oldest", "reject"], segment_bytes: int, headroom_bytes: int | None
    ) -> Limit:
        """Segments are small against the limit, so that there is always something older than what every process is
        writing."""
        segment = max(_SMALLEST_SEGMENT, min(segment_bytes, most // _SEGMENTS_AT_LEAST))
        headroom = min(_MOST_HEADROOM, most // 4) if headroom_bytes is None else headroom_bytes
        rejects = on_full == "reject"
        low = headroom if rejects else min(2 * segment, most // 2)
        return cls(most=most, low=low, high=min(2 * low, (low + most) // 2), segment=segment, rejects=rejects)

    def room(self, found: Iterable[Found]) -> int:
        """What is left; less than nothing beyond the limit."""
        return self.most - sum(one.waiting for one in found)

    def close(self, room: int, before: bool) -> bool:
        """Whether the limit is close with ``room`` left, if it was ``before``."""
        return room < self.high if before else room <= self.low

    def grant(self, room: int) -> int:
        """Half of the room, as other processes write, too; where calls may be refused not beyond the beginning of the
        headroom, so that it is noticed at once, nor beyond its end."""
        grant = max(room // 2, self.segment // 4)
        if not self.rejects:
            return grant
        return min(grant, room - self.low if room > self.low else room)
