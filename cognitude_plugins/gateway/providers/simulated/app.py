"""The simulated model as an ASGI app: OpenAI's endpoints, their pace, their faults, and how often they were called."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

from .answer import Answer
from .chat import chat
from .completions import completions
from .embeddings import embeddings
from .faults import Dice, Fault, parse_faults
from .hangup import WhileHere
from .prompt import Count
from .request import BadRequest, parsed
from .script import Script, damaged, envelope, instead, script_of, whole, without_usage
from .settings import Settings
from .text import count_tokens

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ABORT: Final = "cognitude.abort"
"""The scope's extension with which a server lends its connection's end: called with ``reset=True`` for a TCP reset."""

MODELS: Final = ("echo", "small", "large", "embed")

_FAULT_HEADER: Final = b"x-simulate-fault"
_ENDPOINTS: Final[dict[str, Callable[[Mapping[str, Any], Settings, Count, int], Answer]]] = {
    "/chat/completions": chat,
    "/completions": completions,
    "/embeddings": embeddings,
}
_REMEMBERED: Final = 64
_SMALL_BODY: Final = 64 * 1024
_SMALL_ANSWER: Final = 128 * 1024
_ENDLESS_PAUSE: Final = 0.001


def simulate_app(settings: Settings | None = None) -> SimulatedApp:
    return SimulatedApp(settings or Settings())


class SimulatedApp:
    """Model ``echo`` repeats the last user message; any other writes sentences that depend on its name and the prompt.

    A request that came before, byte for byte, is answered with what was encoded then. The header ``x-simulate-fault``
    adds faults to those of the settings for one request. ``created`` is when this app was made.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.calls = self.open = self.cancelled = 0
        self._settings = settings
        self._created = int(clock())
        self._dice = Dice(settings.seed)
        self._count = lru_cache(maxsize=_REMEMBERED * 4)(count_tokens)
        self._scripts: dict[tuple[str, bytes, bool], Script] = {}

    @property
    def stats(self) -> dict[str, int]:
        """Model calls begun, under way now, and left by their client before the end."""
        return {"calls": self.calls, "open": self.open, "cancelled": self.cancelled}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            path = scope["path"].removeprefix("/v1")
            if path in _ENDPOINTS and scope["method"] == "POST":
                await self._call(path, scope, receive, send)
            else:
                await _perform(self._other(scope["method"], path), 0.0, send)

    def _other(self, method: str, path: str) -> Script:
        if path in _ENDPOINTS or (method != "GET" and path in ("/models", "/stats")):
            said = f"Not allowed to {method} on {path}."
            return envelope(405, said, headers={"allow": "POST" if path in _ENDPOINTS else "GET"})
        if path == "/stats":
            return whole(200, self.stats)
        if path == "/models":
            return whole(200, {"object": "list", "data": [self._model(name) for name in MODELS]})
        if path.startswith("/models/") and path[8:] in MODELS:
            return whole(200, self._model(path[8:]))
        return envelope(404, f"Invalid URL ({method} {path})", code="not_found")

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": "cognitude"}

    async def _call(self, path: str, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        raw = await _read(receive)
        if raw is None:
            return
        self.calls += 1
        self.open += 1
        try:
            ending = await self._answer(path, raw, scope["headers"], receive, send)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1
        if ending in ("refuse", "reset"):
            await _break_off(scope, receive, reset=ending == "reset")

    async def _answer(
        self, path: str, raw: bytes, headers: list[tuple[bytes, bytes]], receive: Receive, send: Send
    ) -> str:
        try:
            faults = self._dice.strike(self._settings.faults + _asked_for(headers))
        except ValueError as error:
            await _perform(envelope(400, str(error), param="x-simulate-fault"), 0.0, send)
            return "complete"
        delay = self._settings.latency_ms / 1000 + sum(fault.value for fault in faults if fault.kind == "slow_head")
        script = self._script(path, raw, faults)
        if not delay and not faults and not script.streamed:
            return await _perform(script, 0.0, send)
        async with WhileHere(receive) as client:
            if delay:
                await asyncio.sleep(delay)
            if any(fault.kind == "refuse" for fault in faults):
                return "refuse"
            return await _perform(script, self._settings.chunk_ms / 1000, send)
        self.cancelled += client.left
        return "left"

    def _script(self, path: str, raw: bytes, faults: tuple[Fault, ...]) -> Script:
        if not faults:
            return self._encoded(path, raw, False)
        script = instead(faults) or self._encoded(path, raw, any(fault.kind == "no_usage" for fault in faults))
        return damaged(script, faults)

    def _encoded(self, path: str, raw: bytes, no_usage: bool) -> Script:
        known = self._scripts.get((path, raw, no_usage))
        if known is not None:
            return known
        try:
            answer = _ENDPOINTS[path](parsed(raw), self._settings, self._count, self._created)
        except BadRequest as error:
            return envelope(400, str(error), param=error.param, code=error.code)
        script = script_of(without_usage(answer) if no_usage else answer)
        if len(raw) <= _SMALL_BODY and sum(map(len, script.parts)) <= _SMALL_ANSWER:
            if len(self._scripts) >= _REMEMBERED:
                del self._scripts[next(iter(self._scripts))]
            self._scripts[path, raw, no_usage] = script
        return script


async def _lifespan(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})


async def _read(receive: Receive) -> bytes | None:
    """The request body; None when the client left before it was whole."""
    raw = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        raw += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return raw


def _asked_for(headers: list[tuple[bytes, bytes]]) -> tuple[Fault, ...]:
    for name, value in headers:
        if name == _FAULT_HEADER:
            return parse_faults(value.decode("latin-1"))
    return ()


async def _perform(script: Script, pause: float, send: Send) -> str:
    """How it ended."""
    await send({"type": "http.response.start", "status": script.status, "headers": list(script.headers)})
    if isinstance(script.parts, tuple) and not script.streamed and script.ending == "complete":
        await send({"type": "http.response.body", "body": b"".join(script.parts), "more_body": False})
        return script.ending
    if script.paced == float("inf"):
        pause = max(pause, _ENDLESS_PAUSE)
    for index, part in enumerate(script.parts):
        if pause and 0 < index < script.paced:
            await asyncio.sleep(pause)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    if script.ending == "stall":
        await asyncio.Event().wait()
    if script.ending == "complete":
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    return script.ending


async def _break_off(scope: MutableMapping[str, Any], receive: Receive, *, reset: bool) -> None:
    abort = (scope.get("extensions") or {}).get(ABORT)
    if abort is None:
        raise ConnectionResetError("the simulated model broke off, as it was told to")
    # What was sent so far is still in the server's buffer, and a reset would throw it away.
    await asyncio.sleep(0.02)
    abort(reset=reset)
    while (await receive())["type"] != "http.disconnect":
        continue
