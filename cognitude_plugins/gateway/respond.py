"""The responder: puts a reply on the wire, whole or streamed, and says what was delivered.

Starlette's ``StreamingResponse`` cannot tell that its client hung up, nor finish its work then; this one can.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from hooks import Call, Payload, Reply, Usage
from hooks.sse import DONE, EventTooLarge
from hooks.stream import Change, Layer, Recorder, Through, Watch, change_body, render

from .closing import close
from .codec import CODEC
from .endings import UNRECORDED, Stopped, Unrecorded, blame, error_event
from .head import answer_head
from .ledger.journal_errors import JournalError
from .lifeline import Lifeline
from .metered import Metered
from .policy import Rejected
from .providers import Broke
from .trace import Trace
from .upstream_body import asked_for_usage
from .usage_filter import UsageFilter

if TYPE_CHECKING:
    from .account import Account
    from .ledger.sample import Sample

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Assemble = Callable[[], Any]
Tap = Callable[[bytes], object]


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What went out: ``reply`` (another one when a change failed), and what each watcher is to see.

    ``paid`` is the provider's whole answer, whatever a plugin made of it; ``meters`` read what a stream reports, and
    ``sample`` has what came of the provider's. ``drained`` when it was read to its end after the client had left.
    """

    reply: Reply
    paid: Payload | None = None
    meters: tuple[UsageFilter, ...] = ()
    sample: Sample | None = None
    drained: bool = False
    told: list[tuple[Watch, Assemble]] = field(default_factory=list)

    @property
    def usage(self) -> Usage | None:
        """What the provider was paid for, as it says. A whole answer is looked into only when this is asked."""
        reported = (meter.usage for meter in self.meters)
        paid = None if self.paid is None else self.paid.usage
        return paid or next((usage for usage in reported if usage is not None), None)


@dataclass(slots=True, kw_only=True)
class Responder:
    """Sends one reply, once its row is in the ledger. ``write_timeout`` in seconds.

    ``provided`` is the provider's own answer, if there is one: the reply may have been put in its place.
    """

    call: Call
    trace: Trace
    lifeline: Lifeline
    send: Send
    write_timeout: float
    account: Account
    provided: Reply | None

    async def deliver(self, delivered: Delivered) -> None:
        """A client that is gone or a stream that breaks raises nothing: it is noted in ``lifeline.gone``."""
        reply, paid = delivered.reply, self.provided or delivered.reply
        delivered.paid = paid.payload
        if isinstance(paid.chunks, Metered):
            delivered.meters, delivered.sample = (paid.chunks.meter,), paid.chunks.sample
        if reply.chunks is None:
            await self._whole(reply, delivered)
        else:
            await self._stream(reply, reply.chunks, delivered)

    async def _whole(self, reply: Reply, delivered: Delivered) -> None:
        payload = reply.payload or Payload(raw=b"", codec=CODEC)
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
        await self._put_whole(payload.raw, delivered)

    def _reject(self, error: Rejected, delivered: Delivered) -> Payload:
        """The answer becomes an error of the gateway's own; the payload of that."""
        self.lifeline.gone = self.lifeline.gone or "plugin_error"
        message = f"The plugin {str(error)!r} failed on the answer and its policy is to reject the call."
        failed = Reply.error(500, message, type="server_error", code="plugin_failed")
        reply = delivered.reply
        delivered.reply = replace(failed, source="error", deployment=reply.deployment, attempts=reply.attempts)
        return failed.payload or Payload(raw=b"", codec=CODEC)

    async def _put_whole(self, raw: bytes, delivered: Delivered) -> None:
        if self.lifeline.reachable:
            await self.account.settle(self.call, delivered, self.provided)
            self.trace.first_byte = perf_counter()
            try:
                await self._record(delivered)
            except Unrecorded:
                raw = self._unrecorded(delivered)
            reply = delivered.reply
            head = answer_head(self.call, reply, self.trace, self.account.cost_nano_usd)
            head.close_at(len(raw))
            await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
            await self._put_last(raw)

    async def _stream(self, reply: Reply, source: AsyncIterator[bytes], delivered: Delivered) -> None:
        if self.provided is None and reply.layers:
            source = Metered(source)
            delivered.meters = (source.meter,)
        chunks: AsyncIterator[bytes] = source
        begun = False
        usage = UsageFilter(CODEC, strip=not asked_for_usage(self.call))
        try:
            chunks, taps = _layered(source, reply.layers, delivered.told)
            # What a plugin says of the usage when it ends a stream is no report of the provider's.
            metered = isinstance(source, Metered) and chunks is not source.source
            if not metered and (self.provided is None or self.provided.chunks is source):
                delivered.meters = (*delivered.meters, usage)
            if self.lifeline.reachable:
                head = answer_head(self.call, reply, self.trace, None)
                begun = True
                await self._put({"type": "http.response.start", "status": reply.status, "headers": head})
            await self._relay(chunks, taps, usage, delivered)
        except (Broke, Rejected, Stopped, EventTooLarge, OSError) as error:
            if isinstance(error, Broke) and isinstance(source, Metered):
                source.broke()
            if begun:
                self.lifeline.gone = self.lifeline.gone or blame(error)
                await self._put_end(error_event(error), delivered)
            elif isinstance(error, Rejected):
                payload = self._reject(error, delivered)
                await self._put_whole(payload.raw, delivered)
        finally:
            await close(chunks)
            if chunks is not source:
                await close(source)

    async def _relay(
        self, chunks: AsyncIterator[bytes], taps: Sequence[Tap], usage: UsageFilter, delivered: Delivered
    ) -> None:
        lifeline = self.lifeline
        if lifeline.gone is None or lifeline.lingers:
            with lifeline:
                try:
                    read = await self._pass_on(chunks, taps, usage)
                    delivered.drained = read and lifeline.gone is not None
                finally:
                    lifeline.relax()
        if lifeline.gone is None:
            await self._put_end(usage.flush(), delivered)
        elif lifeline.gone == "shutdown":
            raise Stopped

    async def _pass_on(self, chunks: AsyncIterator[bytes], taps: Sequence[Tap], usage: UsageFilter) -> bool:
        """Whether the stream was read to its end."""
        send, trace, lifeline = self.send, self.trace, self.lifeline
        patience, drop = self.write_timeout, lifeline.drop
        async for chunk in chunks:
            for tap in taps:
                tap(chunk)
            out = usage.feed(chunk)
            if lifeline.gone is not None:
                if not lifeline.wanted() and not self.account.affords(chunk, self.provided):
                    return False
            elif out:
                if out.endswith(DONE):
                    # Some clients leave here, before the provider has closed its stream: they have all of the answer.
                    lifeline.over = True
                lifeline.expect(patience, drop)
                try:
                    await send({"type": "http.response.body", "body": out, "more_body": True})
                except OSError:
                    lifeline.miss()
                    if not lifeline.lingers:
                        return False
                    continue
                if trace.first_byte is None:
                    trace.first_byte = perf_counter()
                if lifeline.gone is None:
                    lifeline.relax()
        return True

    async def _put_end(self, body: bytes, delivered: Delivered) -> None:
        """The last of a stream, its row before it: one that cannot be recorded ends with an error."""
        await self.account.settle(self.call, delivered, self.provided)
        try:
            await self._record(delivered)
        except Unrecorded as error:
            self.lifeline.gone = self.lifeline.gone or "not_recorded"
            body = error_event(error)
        await self._put_last(body)

    async def _record(self, delivered: Delivered) -> None:
        try:
            await self.account.write(self.call, delivered.reply, self.lifeline.gone)
        except JournalError as error:
            raise Unrecorded from error

    def _unrecorded(self, delivered: Delivered) -> bytes:
        self.lifeline.gone = self.lifeline.gone or "not_recorded"
        reply = delivered.reply
        delivered.reply = replace(UNRECORDED, source="error", deployment=reply.deployment, attempts=reply.attempts)
        return b"" if UNRECORDED.payload is None else UNRECORDED.payload.raw

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
    source: AsyncIterator[bytes], layers: tuple[Layer, ...], told: list[tuple[Watch, Assemble]]
) -> tuple[AsyncIterator[bytes], tuple[Tap, ...]]:
    """The stream with its layers applied, and what the relay shows each chunk, where all see the same bytes."""
    if any(isinstance(layer, (Change, Through)) for layer in layers):
        recorders = {index: Recorder(CODEC) for index, layer in enumerate(layers) if isinstance(layer, Watch)}
        told += [(layers[index], recorder.assemble) for index, recorder in recorders.items()]  # type: ignore[misc]
        return render(source, layers, CODEC, recorders), ()
    taps: tuple[Tap, ...] = ()
    if isinstance(source, Metered):
        taps = (source.sample.add,)
        source = source.source
    if layers:
        recorder = Recorder(CODEC)
        told += [(layer, recorder.assemble) for layer in layers if isinstance(layer, Watch)]
        taps = (*taps, recorder.add)
    return source, taps


def _value_of(payload: Payload) -> Any:
    try:
        return payload.value
    except ValueError:
        return None
