"""The calls under way of one limit: each holds a lease that ends by itself. What a sorted set is in Redis."""

from __future__ import annotations

from bisect import bisect_left, insort


class Leases:
    """Times are in milliseconds. A lease that has ended does not count, and is forgotten some time later."""

    __slots__ = ("_ends", "_order")

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._order: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._ends)

    def ends(self) -> dict[str, int]:
        return dict(self._ends)

    def count(self, now: int) -> int:
        return len(self._order) - self._after(now)

    def take(self, id: str, end: int) -> None:
        self.drop(id)
        self._ends[id] = end
        insort(self._order, (end, id))

    def drop(self, id: str) -> bool:
        """Whether it was there."""
        end = self._ends.pop(id, None)
        if end is None:
            return False
        del self._order[bisect_left(self._order, (end, id))]
        return True

    def renew(self, id: str, end: int) -> None:
        if id in self._ends:
            self.take(id, end)

    def forget(self, now: int) -> None:
        """Those that have ended."""
        count = self._after(now)
        for _, id in self._order[:count]:
            del self._ends[id]
        del self._order[:count]

    def cap(self, end: int) -> None:
        """None ends later: the clock was set back."""
        for _, id in self._order[self._after(end) :]:
            self.take(id, end)

    def _after(self, time: int) -> int:
        """The place of the first that ends after this time."""
        order = self._order
        return bisect_left(order, (time + 1,)) if order and order[0][0] <= time else 0
