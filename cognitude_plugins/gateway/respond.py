"""The responder: puts a reply on the wire, whole or streamed, and says what was delivered.

Starlette's ``StreamingResponse`` cannot tell that its client hung up, nor finish its work then; this one can.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from hooks import Call, Payload, Reply, Usage
from hooks.sse import EventTooLarge, encode
from hooks.stream import Change, Layer, Recorder, Through, Watch, change_body, render

from .attempts import asked_for_usage
from .closing import close
from .codec import CODEC
from .head import answer_head
from .lifeline import Gone, Lifeline, Stall
from .providers import Broke
from .steps import Rejected
from .trace import Trace
from .usage_filter import UsageFilter

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Assemble = Callable[[], Any]


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What went out: the usage seen on the way, and for every watcher the answer as it was at its place."""

    usage: Usage | None = None
    told: list[tuple[Watch, Assemble]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Sends one reply. ``write_timeout`` in seconds; ``cost`` of a usage in nano-dollars, None when unknown."""

    call: Call
    trace: Trace
    lifeline: Lifeline
    send: Send
    write_timeout: float
    cost: Callable[[Reply, Usage | None], int | None]

    async def deliver(self, reply: Reply) -> Delivered:
        """Nothing is raised: a client that is gone or a stream that breaks is noted in ``lifeline.gone``."""
        if reply.chunks is None:
            return await self._whole(reply, reply.payload or Payload(raw=b"", codec=CODEC))
        return await self._stream(reply, reply.chunks)

    async def _whole(self, reply: Reply, payload: Payload) -> Delivered:
        delivered = Delivered(usage=_usage_of(payload))
        for layer in reply.layers:
            if isinstance(layer, Watch):
                delivered.told.append((layer, partial(_value_of, payload)))
            elif self.lifeline.gone is None:
                try:
                    payload = change_body(payload, (layer,))
                except Rejected as error:
                    self.lifeline.gone = "plugin_error"
                    reply = _rejected(reply, error)
                    payload = reply.payload or payload
        if self.lifeline.gone != "client_disconnect":
            await self._put_whole(reply, payload.raw, self.cost(reply, delivered.usage))
        return delivered

    async def _put_whole(self, reply: Reply, raw: bytes, cost: int | None) -> None:
        head = answer_head(self.call, reply, self.trace, cost)
        head.append((b"content-length", b"%d" % len(raw)))
        self.trace.first_byte = perf_counter()
        await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
        await self._put_last(raw)

    async def _stream(self, reply: Reply, source: AsyncIterator[bytes]) -> Delivered:
        delivered = Delivered()
        chunks, recorder = _layered(source, reply.layers, delivered.told)
        usage = UsageFilter(CODEC, strip=not asked_for_usage(self.call))
        head = answer_head(self.call, reply, self.trace, None)
        try:
            if self.lifeline.gone != "client_disconnect":
                await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
                await self._relay(chunks, recorder, usage)
        except (Broke, Rejected, EventTooLarge) as error:
            self.lifeline.gone = self.lifeline.gone or _blame(error)
            await self._put_last(_error_event(error))
        finally:
            await close(chunks)
            await close(source)
        delivered.usage = usage.usage
        return delivered

    async def _relay(self, chunks: AsyncIterator[bytes], recorder: Recorder | None, usage: UsageFilter) -> None:
        send, trace = self.send, self.trace
        stall = Stall(self.lifeline, self.write_timeout)
        with self.lifeline:
            try:
                async for chunk in chunks:
                    if recorder is not None:
                        recorder.add(chunk)
                    out = usage.feed(chunk)
                    if out:
                        stall.since = perf_counter()
                        await send({"type": "http.response.body", "body": out, "more_body": True})
                        if trace.first_byte is None:
                            trace.first_byte = perf_counter()
                        stall.since = None
            except OSError:
                self.lifeline.gone = "client_disconnect"
            finally:
                stall.cancel()
        if self.lifeline.gone is None:
            await self._put_last(usage.flush())
        elif self.lifeline.gone == "shutdown":
            raise Broke("the gateway is shutting down")

    async def _put_last(self, body: bytes) -> None:
        self.lifeline.over = True
        await self._put({"type": "http.response.body", "body": body, "more_body": False})

    async def _put(self, message: Message) -> None:
        """Some servers raise when the client is gone, some do not; either way the call goes on to its watchers."""
        try:
            await self.send(message)
        except OSError:
            self.lifeline.abort("client_disconnect")


def _layered(
    source: AsyncIterator[bytes], layers: tuple[Layer, ...], told: list[tuple[Watch, Assemble]]
) -> tuple[AsyncIterator[bytes], Recorder | None]:
    """The stream with its layers applied, and a recorder for the relay where all watchers see the same bytes."""
    if not layers:
        return source, None
    if not any(isinstance(layer, (Change, Through)) for layer in layers):
        recorder = Recorder(CODEC)
        told += [(layer, recorder.assemble) for layer in layers if isinstance(layer, Watch)]
        return source, recorder
    recorders = {index: Recorder(CODEC) for index, layer in enumerate(layers) if isinstance(layer, Watch)}
    told += [(layers[index], recorder.assemble) for index, recorder in recorders.items()]  # type: ignore[misc]
    return render(source, layers, CODEC, recorders), None


def _value_of(payload: Payload) -> Any:
    try:
        return payload.value
    except ValueError:
        return None


def _usage_of(payload: Payload) -> Usage | None:
    try:
        return Usage.of(payload.peek())
    except ValueError:
        return None


def _rejected(reply: Reply, error: Rejected) -> Reply:
    message = f"The plugin {str(error)!r} failed on the answer and its policy is to reject the call."
    return Reply(
        status=500,
        payload=Reply.error(500, message, type="server_error", code="plugin_failed").payload,
        source="error",
        deployment=reply.deployment,
        attempts=reply.attempts,
    )


def _blame(error: Exception) -> Gone:
    return "plugin_error" if isinstance(error, Rejected) else "provider_error"


def _error_event(error: Exception) -> bytes:
    """The event with which a broken stream ends; the SDKs raise on it instead of taking the text for complete."""
    code = "plugin_failed" if isinstance(error, Rejected) else "provider_broke_off"
    what = f"the plugin {str(error)!r} failed" if isinstance(error, Rejected) else f"it broke off ({error})"
    message = f"The answer is not complete: {what}."
    return encode({"error": {"message": message, "type": "server_error", "param": None, "code": code}}, CODEC)
