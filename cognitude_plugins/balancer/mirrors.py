"""Copies of a share of the calls to other models, sent after the client has its answer; nobody waits for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from hooks import Call, Headers, Reply, read

from .patterns import matcher

MARK: Final = "x-cognitude-mirror"
"""A header of every copy, by which it is known when it comes down the pipeline."""

_STOP_SECONDS: Final = 5.0

log: Final = logging.getLogger("cognitude.balancer")


class Serve(Protocol):
    async def __call__(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply: ...


class Mirror:
    """One of the configuration. Of n calls it copies n x share, rounded down: no draw, so the share is exact."""

    def __init__(self, name: str, to: str, share: float, at_once: int, serve: Serve) -> None:
        self.name: Final = name
        self.copied = self.left_out = self.failed = 0
        self._to = to
        self._share = share
        self._at_once = at_once
        self._serve = serve
        self._owed = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def wants(self, call: Call) -> bool:
        """Whether this call is one of the share. To be asked once for each call that may be copied."""
        if call.dry_run or MARK in call.headers or not _may_use(call, self._to):
            return False
        self._owed += self._share
        if self._owed < 1 - 1e-9:
            return False
        self._owed -= 1
        return True

    def copy(self, call: Call) -> None:
        if len(self._tasks) >= self._at_once:
            self.left_out += 1
            return
        self.copied += 1
        task = asyncio.get_running_loop().create_task(self._send(_copied(call, self._to, self.name)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Wait a little for what is under way; the rest is given up."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=_STOP_SECONDS)
        for task in tuple(self._tasks):
            task.cancel()

    def status(self) -> dict[str, Any]:
        return {"copied": self.copied, "left_out": self.left_out, "failed": self.failed}

    async def _send(self, call: Call) -> None:
        await read(await self._serve(call, tags={"mirror": self.name}))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed += 1
            if self.failed == 1:
                log.warning("mirror %s: a copy could not be sent", self.name, exc_info=error)


def _copied(call: Call, to: str, name: str) -> Call:
    headers = Headers({**call.headers, MARK: name})
    return replace(call.set(model=to), headers=headers, state={})


def _may_use(call: Call, model: str) -> bool:
    """A copy goes nowhere the key itself could not send it."""
    allowed = call.caller.models
    return allowed is None or matcher(tuple(allowed))(model)
