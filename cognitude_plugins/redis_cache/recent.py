"""The answers a worker keeps in memory: a bounded number of bytes, each for a short time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from .entry import Entry

_OVERHEAD: Final = 400
"""Bytes an entry takes beside its body: objects, key, place in the table; measured with sys.getsizeof."""

Place = tuple[str, str]
"""Organization and key."""


class Recent:
    """The least recently used go first. ``clock`` in seconds."""

    def __init__(self, *, most_bytes: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most_bytes if seconds else 0
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Place, tuple[float, Entry]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, organization: str, key: str) -> Entry | None:
        place = organization, key
        found = self._kept.get(place)
        if found is None:
            return None
        until, entry = found
        if self._clock() >= until:
            self._remove(place)
            return None
        self._kept.move_to_end(place)
        return entry

    def put(self, organization: str, key: str, entry: Entry) -> None:
        place, size = (organization, key), _size(entry)
        self._remove(place)
        if size > self._most:
            return
        self._kept[place] = self._clock() + self._seconds, entry
        self.bytes += size
        while self.bytes > self._most:
            self._remove(next(iter(self._kept)))

    def remove(self, organization: str, key: str | None = None) -> None:
        """Without ``key`` all of an organization."""
        if key is not None:
            self._remove((organization, key))
            return
        for place in [place for place in self._kept if place[0] == organization]:
            self._remove(place)

    def _remove(self, place: Place) -> None:
        found = self._kept.pop(place, None)
        if found is not None:
            self.bytes -= _size(found[1])


def _size(entry: Entry) -> int:
    return len(entry.body) + _OVERHEAD
