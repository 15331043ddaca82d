"""Closing a listening socket without resetting those whom the kernel has already let in."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

_SO_ATTACH_FILTER: Final = 26
"""``asm-generic/socket.h``; Python has no name for it."""

_DROP_SYN: Final = (
    (0x30, 0, 0, 13),  # load the byte of the TCP header that has its flags
    (0x45, 0, 1, 0x02),  # SYN set: go on, else skip one
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # take it whole
)
"""Classic BPF (``linux/filter.h``): code, jump if true, jump if false, operand."""

_SETTLE_SECONDS: Final = 0.05


async def let_in_the_last(sockets: Iterable[socket.socket]) -> None:
    """From now on nobody connects any more (who tries is not answered, and refused once the socket is closed); who
    has connected is accepted. Call it before closing a socket that is this process' alone. Does nothing but on Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _DROP_SYN)
    buffer = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(buffer))
    for one in sockets:
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
    await asyncio.sleep(_SETTLE_SECONDS)
