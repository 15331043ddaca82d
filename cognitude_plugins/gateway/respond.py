"""The responder: puts a reply on the wire, whole or streamed, and says what was delivered.

Starlette's ``StreamingResponse`` cannot tell that its client hung up, nor finish its work then; this one can.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
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
from .lifeline import Gone, Lifeline
from .policy import Rejected
from .providers import Broke
from .trace import Trace
from .usage_filter import UsageFilter

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Assemble = Callable[[], Any]


class Stopped(Exception):
    """The process has to go before the stream has come to its end."""


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What went out: ``reply`` (another one when a change failed), and what each watcher is to see.

    ``paid`` is the provider's whole answer, whatever a plugin made of it; ``counted`` what a stream reported.
    """

    reply: Reply
    paid: Payload | None = None
    counted: Usage | None = None
    told: list[tuple[Watch, Assemble]] = field(default_factory=list)

    @property
    def usage(self) -> Usage | None:
        """What the provider was paid for. A whole answer is looked into only when this is asked."""
        return _usage_of(self.paid) or self.counted


@dataclass(slots=True, kw_only=True)
class Responder:
    """Sends one reply. ``write_timeout`` in seconds; ``cost`` is in nano-dollars, None when unknown.

    ``provided`` is the provider's own answer, if there is one: the reply may have been put in its place.
    """

    call: Call
    trace: Trace
    lifeline: Lifeline
    send: Send
    write_timeout: float
    cost: Callable[[Delivered], int | None]
    provided: Reply | None

    async def deliver(self, delivered: Delivered) -> None:
        """A client that is gone or a stream that breaks raises nothing: it is noted in ``lifeline.gone``."""
        if delivered.reply.chunks is None:
            await self._whole(delivered.reply, delivered)
        else:
            await self._stream(delivered.reply, delivered.reply.chunks, delivered)

    async def _whole(self, reply: Reply, delivered: Delivered) -> None:
        payload = reply.payload or Payload(raw=b"", codec=CODEC)
        delivered.paid = (self.provided or reply).payload
        rejected = False
        for layer in reply.layers:
            if isinstance(layer, Watch):
                delivered.told.append((layer, partial(_value_of, payload)))
            elif not rejected:
                try:
                    payload = change_body(payload, (layer,))
                except Rejected as error:
                    rejected = True
                    payload = self._reject(error, delivered)
        await self._put_whole(delivered.reply, payload.raw, self.cost(delivered))

    def _reject(self, error: Rejected, delivered: Delivered) -> Payload:
        """The answer becomes an error of the gateway's own; the payload of that."""
        self.lifeline.gone = self.lifeline.gone or "plugin_error"
        message = f"The plugin {str(error)!r} failed on the answer and its policy is to reject the call."
        failed = Reply.error(500, message, type="server_error", code="plugin_failed")
        reply = delivered.reply
        delivered.reply = replace(failed, source="error", deployment=reply.deployment, attempts=reply.attempts)
        return failed.payload or Payload(raw=b"", codec=CODEC)

    async def _put_whole(self, reply: Reply, raw: bytes, cost: int | None) -> None:
        if self.lifeline.reachable:
            head = answer_head(self.call, reply, self.trace, cost)
            head.append((b"content-length", b"%d" % len(raw)))
            self.trace.first_byte = perf_counter()
            await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
            await self._put_last(raw)

    async def _stream(self, reply: Reply, source: AsyncIterator[bytes], delivered: Delivered) -> None:
        chunks: AsyncIterator[bytes] = source
        begun = False
        usage = UsageFilter(CODEC, strip=not asked_for_usage(self.call))
        meter = UsageFilter(CODEC, strip=False)
        try:
            chunks, recorder = _layered(source, reply.layers, delivered.told, meter)
            if self.lifeline.reachable:
                head = answer_head(self.call, reply, self.trace, None)
                begun = True
                await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
                await self._relay(chunks, recorder, usage)
        except (Broke, Rejected, Stopped, EventTooLarge, OSError) as error:
            if begun:
                self.lifeline.gone = self.lifeline.gone or _blame(error)
                await self._put_last(_error_event(error))
            elif isinstance(error, Rejected):
                payload = self._reject(error, delivered)
                await self._put_whole(delivered.reply, payload.raw, None)
        finally:
            delivered.paid = self.provided.payload if self.provided is not None else None
            delivered.counted = meter.usage or usage.usage
            await close(chunks)
            if chunks is not source:
                await close(source)

    async def _relay(self, chunks: AsyncIterator[bytes], recorder: Recorder | None, usage: UsageFilter) -> None:
        lifeline = self.lifeline
        if lifeline.gone is None:
            with lifeline:
                try:
                    await self._pass_on(chunks, recorder, usage)
                finally:
                    lifeline.relax()
        if lifeline.gone is None:
            await self._put_last(usage.flush())
        elif lifeline.gone == "shutdown":
            raise Stopped

    async def _pass_on(self, chunks: AsyncIterator[bytes], recorder: Recorder | None, usage: UsageFilter) -> None:
        send, trace, lifeline = self.send, self.trace, self.lifeline
        patience, drop = self.write_timeout, lifeline.drop
        async for chunk in chunks:
            if recorder is not None:
                recorder.add(chunk)
            out = usage.feed(chunk)
            if out:
                lifeline.expect(patience, drop)
                try:
                    await send({"type": "http.response.body", "body": out, "more_body": True})
                except OSError:
                    lifeline.gone = lifeline.gone or "client_disconnect"
                    return
                if trace.first_byte is None:
                    trace.first_byte = perf_counter()
                lifeline.relax()

    async def _put_last(self, body: bytes) -> None:
        self.lifeline.over = True
        await self._put({"type": "http.response.body", "body": body, "more_body": False})

    async def _put(self, message: Message) -> None:
        """Some servers raise when the client is gone, some do not; either way the call goes on to its watchers."""
        lifeline = self.lifeline
        if not lifeline.reachable:
            return
        with lifeline:
            lifeline.expect(self.write_timeout, lifeline.drop)
            try:
                await self.send(message)
            except OSError:
                lifeline.gone = lifeline.gone or "client_disconnect"
            finally:
                lifeline.relax()


def _layered(
    source: AsyncIterator[bytes], layers: tuple[Layer, ...], told: list[tuple[Watch, Assemble]], meter: UsageFilter
) -> tuple[AsyncIterator[bytes], Recorder | None]:
    """The stream with its layers applied, and a recorder for the relay where all watchers see the same bytes.

    ``meter`` reads the usage before any plugin can take it out.
    """
    if not layers:
        return source, None
    if not any(isinstance(layer, (Change, Through)) for layer in layers):
        recorder = Recorder(CODEC)
        told += [(layer, recorder.assemble) for layer in layers if isinstance(layer, Watch)]
        return source, recorder
    recorders = {index: Recorder(CODEC) for index, layer in enumerate(layers) if isinstance(layer, Watch)}
    told += [(layers[index], recorder.assemble) for index, recorder in recorders.items()]  # type: ignore[misc]
    return render(_metered(source, meter), layers, CODEC, recorders), None


async def _metered(source: AsyncIterator[bytes], meter: UsageFilter) -> AsyncIterator[bytes]:
    async for chunk in source:
        meter.feed(chunk)
        yield chunk
    meter.flush()


def _value_of(payload: Payload) -> Any:
    try:
        return payload.value
    except ValueError:
        return None


def _usage_of(payload: Payload | None) -> Usage | None:
    try:
        return None if payload is None else Usage.of(payload.peek())
    except ValueError:
        return None


def _blame(error: Exception) -> Gone:
    return "plugin_error" if isinstance(error, Rejected) else "provider_error"


def _error_event(error: Exception) -> bytes:
    """The event with which a broken stream ends; the SDKs raise on it instead of taking the text for complete."""
    code, what = "provider_broke_off", f"it broke off ({error})"
    if isinstance(error, Rejected):
        code, what = "plugin_failed", f"the plugin {str(error)!r} failed"
    elif isinstance(error, Stopped):
        code, what = "shutting_down", "the gateway is shutting down"
    message = f"The answer is not complete: {what}."
    return encode({"error": {"message": message, "type": "server_error", "param": None, "code": code}}, CODEC)
