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
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

log: Final = logging.getLogger("cognitude.workers")

SUPERVISOR_VARIABLE: Final = "COGNITUDE_SUPERVISOR"
"""In a worker's environment: the process id of the supervisor, which hands a SIGHUP on to every worker."""

WORKERS_VARIABLE: Final = "COGNITUDE_WORKERS"
"""In a worker's environment: how many there are."""

_STARTUP_FAILED: Final = 3
_LOOK_SECONDS: Final = 0.2
_LIVED_SECONDS: Final = 5.0
_MOST_PAUSE_SECONDS: Final = 10.0


Target = Callable[[Sequence[socket.socket], Callable[[], None]], None]
"""Serves on the sockets until a signal; calls the function when it is ready."""


class Supervisor:
    """Runs ``target`` in ``workers`` processes. One that dies is replaced, more slowly while it dies young.

    Before all of them have been ready once, one that cannot start ends them all: something is wrong with the
    installation. Later the same is an outage, which the others serve through.
    """

    def __init__(self, target: Target, sockets: Sequence[socket.socket], workers: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._target = target
        self._sockets = sockets
        self._workers: list[_Worker] = []
        self._count = workers
        self._pause = 0.0
        self._stopping = threading.Event()
        self._complete = False
        self._failed = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT, which the workers get too; 0, or 3 when a worker could not start at first."""
        os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())
        os.environ[WORKERS_VARIABLE] = str(self._count)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, frame: self._stop(received))
        signal.signal(signal.SIGHUP, lambda received, frame: self._tell(signal.SIGHUP))
        self._workers = [self._started() for _ in range(self._count)]
        while not self._stopping.wait(_LOOK_SECONDS):
            self._complete = self._complete or all(worker.is_ready() for worker in self._workers)
            self._replace_dead()
        for worker in self._workers:
            worker.process.join()
        return _STARTUP_FAILED if self._failed else 0

    def _started(self) -> _Worker:
        hears, tells = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(self._target, list(self._sockets), tells))
        process.start()
        tells.close()
        return _Worker(process, hears)

    def _stop(self, number: int) -> None:
        again = self._stopping.is_set()
        self._stopping.set()
        for one in self._sockets:
            # The workers have their own. With the last of them gone, who connects must be refused, not left waiting.
            one.close()
        self._tell(number if again or number == signal.SIGINT else signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for worker in self._workers:
            self._tell_one(worker, number)

    def _tell_one(self, worker: _Worker, number: int) -> None:
        if worker.process.is_alive() and worker.process.pid is not None:
            os.kill(worker.process.pid, number)

    def _replace_dead(self) -> None:
        for index, worker in enumerate(self._workers):
            if worker.process.is_alive() or self._stopping.is_set():
                continue
            pid, code = worker.process.pid, worker.process.exitcode
            if code == _STARTUP_FAILED and not self._complete:
                log.error("worker %s could not start; stopping", pid)
                self._failed = True
                self._stop(signal.SIGTERM)
                return
            mature = worker.is_ready() and worker.age() > _LIVED_SECONDS
            self._pause = 0.0 if mature else min(_MOST_PAUSE_SECONDS, self._pause * 2 + 0.5)
            what = "could not start" if code == _STARTUP_FAILED else f"ended with code {code}"
            log.error("worker %s %s; starting another in %g s", pid, what, self._pause)
            if not self._stopping.wait(self._pause):
                self._workers[index] = self._started()
                worker.close()
                if self._stopping.is_set():
                    # It was not among those who were told.
                    self._tell_one(self._workers[index], signal.SIGTERM)


class _Worker:
    """A process, and the pipe by which it says once that it is ready."""

    def __init__(self, process: SpawnProcess, hears: Connection) -> None:
        self.process = process
        self._hears = hears
        self._ready = False
        self._born = time.monotonic()

    def age(self) -> float:
        return time.monotonic() - self._born

    def is_ready(self) -> bool:
        """Whether it has ever been; a pipe that ends without a word is that of one that was not."""
        if not self._ready and not self._hears.closed and self._hears.poll():
            try:
                self._ready = bool(self._hears.recv_bytes())
            except EOFError:
                self._hears.close()
        return self._ready

    def close(self) -> None:
        self._hears.close()
        self.process.close()


def _work(target: Target, sockets: Sequence[socket.socket], tells: Connection) -> None:
    """In the worker."""

    def ready() -> None:
        # A supervisor that is gone need not be told; its workers drain.
        with suppress(OSError):
            tells.send_bytes(b"ready")
        tells.close()

    target(sockets, ready)


def workers() -> int:
    """Serving processes of this gateway on this machine."""
    return int(os.environ.get(WORKERS_VARIABLE, "1")) if supervised() else 1


def supervised() -> bool:
    """Whether this is a worker, and not some process that has inherited a worker's environment."""
    return os.environ.get(SUPERVISOR_VARIABLE) == str(os.getppid())


def tell_siblings() -> None:
    """In a worker: have the supervisor send every worker a SIGHUP. Does nothing without a supervisor."""
    if supervised():
        os.kill(os.getppid(), signal.SIGHUP)


def leave_with_supervisor() -> None:
    """In a worker: drain when the supervisor is gone, however it went; a killed one would leave orphans else."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_drain_after, args=(supervisor.join,), daemon=True).start()


def _drain_after(gone: Callable[[], None]) -> None:
    gone()
    os.kill(os.getpid(), signal.SIGTERM)
