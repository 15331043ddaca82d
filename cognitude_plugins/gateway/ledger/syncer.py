"""Group commit: one thread, and one ``fdatasync`` for every row that was written before it began."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from .journal_errors import JournalError
from .own_segment import Segment


class Syncer:
    """``failed`` is called from the thread with a segment that could not be synced: the kernel may have dropped its
    pages, so nothing more may be trusted to it."""

    def __init__(self, failed: Callable[[Segment, OSError], None]) -> None:
        self._failed = failed
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._waiting: dict[Segment, list[asyncio.Future[None]]] = {}
        self._retired: list[Segment] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def synced(self, segment: Segment) -> asyncio.Future[None]:
        """Resolves when everything written to the segment until now is on the disk; raises `JournalError` if not."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.setdefault(segment, []).append(future)
        self._wake.set()
        return future

    def retire(self, segment: Segment) -> None:
        """Close a segment that is written to no more, once those who wait for it have been answered."""
        with self._lock:
            self._retired.append(segment)
        self._wake.set()

    def close(self) -> None:
        """After everything that is waited for is synced."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing or self._waiting or self._retired:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, {}
                retired, self._retired = self._retired, []
            for segment, futures in waiting.items():
                _settle(futures, self._sync(segment))
            for segment in retired:
                segment.close()

    def _sync(self, segment: Segment) -> JournalError | None:
        try:
            segment.sync()
            return None
        except OSError as error:
            self._failed(segment, error)
            return JournalError(f"{segment.path.name} is not on the disk for certain: {error.strerror}")


def _settle(futures: list[asyncio.Future[None]], error: JournalError | None) -> None:
    """Each in its own loop; one that is closed has nobody left who waits."""
    for loop in {future.get_loop() for future in futures}:
        mine = [future for future in futures if future.get_loop() is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, mine, error)


def _answer(futures: list[asyncio.Future[None]], error: JournalError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
