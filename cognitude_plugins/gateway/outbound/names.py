"""Names resolved in threads of their own: one whose servers never answer keeps no other work of the process waiting."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

_AT_ONCE: Final = 32
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Names(AbstractResolver):
    """The system's resolver. asyncio asks it in the few threads that the ledger and the caches work in too, where
    whoever names a host could hold all of them for as long as a lookup takes to give up.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        asked = partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, asked)
        return [
            ResolveResult(
                hostname=host, host=str(at[0]), port=int(at[1]), family=family, proto=protocol, flags=_NUMERIC
            )
            for family, _, protocol, _, at in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
