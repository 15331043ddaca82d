"""The journal: what a call's row is written to before the last byte of its answer leaves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from .episode import Episode
from .frames import frame
from .journal_errors import JournalError, JournalFull
from .limit import Limit
from .own_segment import Segment
from .reserve import Reserve
from .segments import finished
from .space import Found, give_up, look, tidy
from .syncer import Syncer
from .tail import FULL, NO_SPACE, Tail

__all__ = ["Journal", "JournalError", "JournalFull"]

log: Final = logging.getLogger("cognitude.ledger")


class Journal:
    """One process' end of the journal in ``folder``; several processes may have the same folder. No I/O until `open`.

    With ``durability`` "process" a row survives the end of this process, with "disk" that of the machine.
    ``limit_bytes`` bounds what waits for the database, of all processes together. At the limit, and when the disk is
    full, ``on_full`` decides: "drop_oldest" loses the oldest waiting rows and never raises; "reject" makes `full` true
    while ``headroom_bytes``, and on the disk ``reserve_bytes``, are left for the calls in flight, and raises
    `JournalFull` when these are used up. What others wrote is looked at every ``look_seconds``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durability: Literal["process", "disk"] = "process",
        limit_bytes: int,
        on_full: Literal["drop_oldest", "reject"],
        segment_bytes: int = 8_388_608,
        headroom_bytes: int | None = None,
        reserve_bytes: int = 262_144,
        look_seconds: float = 1.0,
    ) -> None:
        self._folder = folder
        self._limit = Limit.of(limit_bytes, on_full, segment_bytes, headroom_bytes)
        self._look_seconds = look_seconds
        self._syncer = Syncer(self._not_synced) if durability == "disk" else None
        self._wake = threading.Event()
        self._tail = Tail(
            folder,
            segment_bytes=self._limit.segment,
            reserve=Reserve(folder, reserve_bytes),
            retire=Segment.close if self._syncer is None else self._syncer.retire,
            alarm=self._wake.set,
        )
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._room = limit_bytes
        self._granted = self._allowance = 0
        self._dry = self._short = self._closing = False
        self._segments = self._lost = 0
        what = "new calls are refused" if self._limit.rejects else "rows are lost, the oldest first"
        self._episode = Episode(folder, what)
        self._keeper = threading.Thread(target=self._keep, name="journal-keeper", daemon=True)

    def open(self) -> None:
        """Make the folder and the first segment, start the threads. Raises `JournalError`, but not for a full disk."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tidy(self._folder)
            self._tail.renew()
        except OSError as error:
            if error.errno not in FULL:
                raise JournalError(f"{self._folder}: the journal cannot be written: {error.strerror}") from error
        self._look()
        self._keeper.start()
        if self._syncer is not None:
            self._syncer.start()

    def append(self, record: bytes) -> Awaitable[None] | None:
        """Write one record; from the event loop, without waiting for the disk.

        None means: done, as far as ``durability`` "process" promises (or lost, and counted, under "drop_oldest"). With
        "disk" await what is returned; it raises `JournalError` when the disk did not confirm.
        Raises `JournalFull` under "reject" only. ``ValueError`` for a record that is too long or has a newline in it.
        """
        line = frame(record)
        if self._allowance < len(line):
            self._make_room(len(line))
        try:
            return self._write(line)
        except OSError as error:
            return self._write_after(error, line)

    @property
    def full(self) -> bool:
        """Under "reject": whether new calls should be refused. Never true under "drop_oldest"."""
        return self._limit.rejects and (self._short or self._tail.trouble is not None)

    @property
    def lost(self) -> int:
        """Rows this process dropped or could not write; at most, as some may have reached the database meanwhile."""
        return self._lost

    def status(self) -> dict[str, Any]:
        """``waiting_bytes``, ``segments`` of the folder; ``lost_rows``, ``write_errors`` of this process; ``full``:
        the limit is reached or the disk does not take rows as it should, under either policy."""
        return {
            "waiting_bytes": self._limit.most - self._room + self._granted - self._allowance,
            "segments": self._segments,
            "lost_rows": self._lost,
            "write_errors": self._tail.errors,
            "full": self._short or self._tail.trouble is not None,
        }

    def close(self) -> None:
        """Leave the segment to the writer. Blocks for one sync at most."""
        self._closing = True
        self._wake.set()
        if self._keeper.is_alive():
            self._keeper.join()
        with self._lock:
            self._tail.close()
        if self._syncer is not None:
            self._syncer.close()

    def _write(self, line: bytes) -> Awaitable[None] | None:
        with self._lock:
            segment = self._tail.write(line)
            self._allowance -= len(line)
            return None if self._syncer is None else self._syncer.synced(segment)

    def _write_after(self, error: OSError, line: bytes) -> Awaitable[None] | None:
        """Rather the oldest rows than this one. Once that was in vain, it is only tried again after the keeper has."""
        if self._limit.rejects:
            raise JournalFull(f"the journal cannot be written: {error.strerror}") from error
        if error.errno in NO_SPACE and not self._dry:
            self._look()
            with suppress(OSError):
                return self._write(line)
            self._dry = True
        self._lose(1)
        return None

    def _not_synced(self, segment: Segment, error: OSError) -> None:
        with self._lock:
            vanished = self._tail.abandon(segment, error)
        self._taken_away(vanished)

    def _make_room(self, need: int) -> None:
        """What may be written without looking is used up."""
        if not self._dry:
            self._look()
        if self._limit.rejects and self._room < need:
            self._dry = True
            raise JournalFull(f"the journal has reached its limit of {self._limit.most} bytes")

    def _keep(self) -> None:
        while not self._closing:
            self._wake.wait(self._look_seconds)
            self._wake.clear()
            self._look()

    def _look(self) -> None:
        """See what all processes have waiting, give up what has to go, repair what can be repaired."""
        with self._looking:
            before, trouble = self._allowance, self._tail.trouble
            self._repair()
            found: list[Found] = []
            with suppress(OSError):
                found = look(self._folder)
            self._short = self._limit.close(self._limit.room(found), self._short)
            if not self._limit.rejects:
                found = self._give_up_oldest(found)
            self._settle(found, before)
            self._episode.tell(self._why(self._tail.trouble or trouble), self._lost)

    def _repair(self) -> None:
        with self._lock:
            vanished = self._tail.repair()
        self._taken_away(vanished)

    def _taken_away(self, rows: int) -> None:
        if rows:
            self._lose(rows)
            log.error("journal %s: a segment was deleted while it was written, with %d rows", self._folder, rows)

    def _give_up_oldest(self, found: list[Found]) -> list[Found]:
        while self._limit.close(self._limit.room(found), before=False) or self._lacks_space():
            oldest = self._oldest(found)
            if oldest is None:
                break
            found = [one for one in found if one is not oldest]
            with suppress(OSError):
                self._lose(give_up(oldest.path))
        return found

    def _lose(self, rows: int) -> None:
        with self._lock:
            self._lost += rows

    def _lacks_space(self) -> bool:
        trouble = self._tail.trouble
        if trouble is not None and trouble.errno in NO_SPACE:
            self._repair()
            trouble = self._tail.trouble
        return trouble is not None and trouble.errno in NO_SPACE

    def _oldest(self, found: list[Found]) -> Found | None:
        """The first whose owner has left; if there is none, this process' own, which it leaves for a new one."""
        with self._lock:
            mine = self._tail.path
        for one in found:
            with suppress(OSError):
                if one.path != mine and finished(one.path):
                    return one
        for one in found:
            if one.path == mine and one.waiting:
                return one if self._leave() else None
        return None

    def _leave(self) -> bool:
        with self._lock, suppress(OSError):
            self._tail.renew()
            return True
        return False

    def _settle(self, found: list[Found], before: int) -> None:
        room = self._limit.room(found)
        grant = self._limit.grant(room)
        with self._lock:
            meanwhile = before - self._allowance
            self._room = room
            self._granted = grant
            self._allowance = grant - meanwhile
            self._segments = len(found)
            self._dry = False

    def _why(self, trouble: OSError | None) -> str | None:
        if trouble is not None:
            return trouble.strerror
        return f"its limit of {self._limit.most} bytes is reached" if self._short else None
