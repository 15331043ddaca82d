"""Several serving processes on one socket: started, kept alive, reloaded and drained together."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from typing import Final

log: Final = logging.getLogger("cognitude.workers")

SUPERVISOR_VARIABLE: Final = "COGNITUDE_SUPERVISOR"
"""In a worker's environment: the process id of the supervisor, which hands a SIGHUP on to every worker."""

_STARTUP_FAILED: Final = 3
_LOOK_SECONDS: Final = 0.2
_LIVED_SECONDS: Final = 5.0
_MOST_PAUSE_SECONDS: Final = 10.0


class Supervisor:
    """Runs ``target(sockets)`` in ``workers`` processes. One that dies is replaced, more slowly while it dies young."""

    def __init__(
        self, target: Callable[[Sequence[socket.socket]], None], sockets: Sequence[socket.socket], workers: int
    ) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._target = target
        self._sockets = sockets
        self._workers: list[SpawnProcess] = []
        self._born: dict[int, float] = {}
        self._count = workers
        self._pause = 0.0
        self._stopping = threading.Event()
        self._failed = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT, which the workers get too; 0, or 3 when a worker could not start."""
        os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, frame: self._stop(received))
        signal.signal(signal.SIGHUP, lambda received, frame: self._tell(signal.SIGHUP))
        self._workers = [self._started() for _ in range(self._count)]
        while not self._stopping.wait(_LOOK_SECONDS):
            self._replace_dead()
        for worker in self._workers:
            worker.join()
        return _STARTUP_FAILED if self._failed else 0

    def _started(self) -> SpawnProcess:
        worker = self._context.Process(target=self._target, args=(list(self._sockets),))
        worker.start()
        self._born[worker.pid or 0] = time.monotonic()
        return worker

    def _stop(self, number: int) -> None:
        again = self._stopping.is_set()
        self._stopping.set()
        for one in self._sockets:
            # The workers have their own. With the last of them gone, who connects must be refused, not left waiting.
            one.close()
        self._tell(number if again or number == signal.SIGINT else signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            if worker.is_alive() and worker.pid is not None:
                os.kill(worker.pid, number)

    def _replace_dead(self) -> None:
        for index, worker in enumerate(self._workers):
            if worker.is_alive() or self._stopping.is_set():
                continue
            if worker.exitcode == _STARTUP_FAILED:
                log.error("worker %s could not start; stopping", worker.pid)
                self._failed = True
                self._stop(signal.SIGTERM)
                return
            lived = time.monotonic() - self._born.pop(worker.pid or 0, 0.0)
            self._pause = 0.0 if lived > _LIVED_SECONDS else min(_MOST_PAUSE_SECONDS, self._pause * 2 + 0.5)
            log.error(
                "worker %s ended with code %s; starting another in %g s", worker.pid, worker.exitcode, self._pause
            )
            if not self._stopping.wait(self._pause):
                self._workers[index] = self._started()


def tell_siblings() -> None:
    """In a worker: have the supervisor send every worker a SIGHUP. Does nothing without a supervisor."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is not None and int(supervisor) == os.getppid():
        os.kill(os.getppid(), signal.SIGHUP)


def leave_with_supervisor() -> None:
    """In a worker: drain when the supervisor is gone, however it went; a killed one would leave orphans else."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_drain_after, args=(supervisor.join,), daemon=True).start()


def _drain_after(gone: Callable[[], None]) -> None:
    gone()
    os.kill(os.getpid(), signal.SIGTERM)
