"""File systems that refuse: what a child process can do to itself, without privileges, to be refused by the kernel."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

_SYSCALLS = {
    "x86_64": {"seccomp": 317, "write": 1, "ftruncate": 77, "fdatasync": 75},
    "aarch64": {"seccomp": 277, "write": 64, "ftruncate": 46, "fdatasync": 83},
}
_BEFORE = """
import sys
from pathlib import Path
from tests.gateway.ledger.refusing import *
folder = Path(sys.argv[1])
"""
_IN_SMALL_DISK = 'mount -t tmpfs -o size=2m,nr_inodes=400,mode=0700 none "$1" && shift && exec "$@"'


def files_at_most(size: int | None) -> None:
    """Writes beyond ``size`` are cut short, then refused with EFBIG; None for no limit."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def refuse(call: str, error: int, *, beyond: int = 0) -> None:
    """From now on the kernel answers this system call of every thread with ``error``; with ``beyond``, of ``write`` and
    ``ftruncate`` only those with more bytes than that. It cannot be undone."""
    numbers = _SYSCALLS[platform.machine()]
    size = {"write": 32, "ftruncate": 24}.get(call, 32)
    program = [
        (0x20, 0, 0, 0),  # the number of the call
        (0x15, 0, 3, numbers[call]),  # another one: allow
        (0x20, 0, 0, size),  # the argument that says how many bytes
        (0x25 if beyond else 0x35, 0, 1, beyond),  # greater (or equal), else allow
        (0x06, 0, 0, 0x00050000 | error),
        (0x06, 0, 0, 0x7FFF0000),
    ]
    filters = b"".join(struct.pack("HBBI", *one) for one in program)
    buffer = ctypes.create_string_buffer(filters)
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    every_thread = 1
    if libc.prctl(38, 1, 0, 0, 0) or libc.syscall(numbers["seccomp"], 1, every_thread, header):
        raise OSError(ctypes.get_errno(), "seccomp")


def small_disk_prefix() -> list[str] | None:
    """The beginning of a command that has a disk of 2 MiB and 400 files at its first argument; None where that needs
    more rights than there are."""
    for how in (["-m"], ["-Urm"]):
        prefix = ["unshare", *how, "sh", "-c", _IN_SMALL_DISK, "sh"]
        try:
            if subprocess.run([*prefix, "/tmp", "true"], capture_output=True, check=False).returncode == 0:
                return prefix
        except FileNotFoundError:
            return None
    return None


def child(code: str, folder: Path, *, prefix: list[str] | None = None) -> dict[str, Any]:
    """What ``code`` prints last, as JSON; it has `folder` and what is public here."""
    folder.mkdir(exist_ok=True)
    start = [] if prefix is None else [*prefix, str(folder)]
    done = subprocess.run(
        [*start, sys.executable, "-c", _BEFORE + code, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**result, "log": done.stderr}
