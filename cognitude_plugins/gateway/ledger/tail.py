"""The end of the journal this process writes at: one segment after another, whatever the file system says."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from .own_segment import Segment
from .reserve import Reserve

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
FULL: Final = NO_SPACE | {errno.EFBIG}

_SMALLEST_SEGMENT: Final = 65_536
_SHARE_OF_DISK: Final = 16


class Tail:
    """Not thread-safe. ``trouble`` is why rows cannot, or soon cannot, be written, until `repair` finds it gone.

    A segment is at most a sixteenth of what the disk can take, so that on a small disk there are several to choose from
    when the oldest has to go. ``retire`` is given every segment that is written to no more, ``alarm`` is called when
    there is trouble that was not there before.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int,
        reserve: Reserve,
        retire: Callable[[Segment], None],
        alarm: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._reserve = reserve
        self._retire = retire
        self._alarm = alarm
        self._segment: Segment | None = None
        self._rotate_at = 0
        self._stopped = True
        self.trouble: OSError | None = None
        self.errors = 0

    @property
    def path(self) -> Path | None:
        return None if self._segment is None else self._segment.path

    def write(self, line: bytes) -> Segment:
        """The segment that has the line now. Raises ``OSError`` when nothing helped; then at once until `repair`."""
        segment = self._segment
        if segment is None or self._stopped:
            raise self.trouble or OSError(errno.EBADF, "the journal is closed")
        if segment.size >= self._rotate_at:
            segment = self._rotate(segment)
        try:
            segment.write(line)
            return segment
        except OSError as error:
            return self._write_after(error, line)

    def renew(self) -> None:
        """Go on in a new segment. Raises ``OSError`` and stays with the one there is when there can be none."""
        segment = Segment.create(self._folder)
        if self._segment is not None:
            self._retire(self._segment)
        self._segment = segment
        share = max(_SMALLEST_SEGMENT, segment.available() // _SHARE_OF_DISK)
        self._rotate_at = min(self._segment_bytes, share)
        self._stopped = False

    def abandon(self, segment: Segment, error: OSError) -> int:
        """Trust nothing more to a segment that could not be synced; returns how many rows went with it if somebody took
        it away."""
        self.errors += 1
        if error.errno in FULL:
            self._raise_alarm(error)
        if segment is not self._segment:
            return 0
        try:
            vanished = segment.records if segment.vanished() else 0
            self.renew()
            return vanished
        except OSError:
            self._stop(error)
            return 0

    def repair(self) -> int:
        """Go on if that is possible again; returns how many rows were in a segment that somebody took away.

        After a stop the reserve is made anew before the segment is: a trial of whether the disk takes anything.
        """
        vanished = 0
        try:
            if self._segment is not None and self._segment.vanished():
                vanished = self._segment.records
                self._drop()
            if self._stopped:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._reserve.release()
            self._reserve.keep()
            if self._stopped:
                self.renew()
            self.trouble = None
        except OSError as error:
            self.trouble = error
        return vanished

    def close(self) -> None:
        self._drop()

    def _rotate(self, segment: Segment) -> Segment:
        try:
            self.renew()
        except OSError:
            self.errors += 1
            self._rotate_at += self._segment_bytes
        return self._segment or segment

    def _write_after(self, error: OSError, line: bytes) -> Segment:
        """Space from the reserve if that is what is missing, else a new file, else stop."""
        self.errors += 1
        if error.errno in NO_SPACE and self._reserve.release():
            self._raise_alarm(error)
            with suppress(OSError):
                return self._write(line)
        try:
            self.renew()
            return self._write(line)
        except OSError as last:
            self._stop(last)
            raise

    def _write(self, line: bytes) -> Segment:
        assert self._segment is not None
        self._segment.write(line)
        return self._segment

    def _stop(self, error: OSError) -> None:
        self._stopped = True
        self._raise_alarm(error)

    def _raise_alarm(self, error: OSError) -> None:
        if self.trouble is None:
            self._alarm()
        self.trouble = error

    def _drop(self) -> None:
        if self._segment is not None:
            self._retire(self._segment)
        self._segment = None
        self._stopped = True
