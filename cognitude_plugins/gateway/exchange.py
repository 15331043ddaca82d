"""One call from its admission to its watchers: the pipeline, the answer's bytes, the outcome. Each exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from hooks import Call, Outcome, Reply

from .account import Account
from .closing import close
from .connection import Connection
from .interrupted import interrupted
from .ledger.journal_errors import JournalError
from .lifeline import Lifeline
from .pipeline import Pipeline
from .respond import Delivered, Message, Responder, Send
from .trace import Trace
from .watchers import Background, tell

Receive = Callable[[], Awaitable[Message]]

HUNG_UP: Final = replace(
    Reply.error(499, "The client closed the connection before the answer.", type="client_error"), source="error"
)
_STOPPED: Final = replace(
    Reply.error(
        503,
        "The gateway is shutting down.",
        type="server_error",
        code="shutting_down",
        headers={"retry-after": "1", "connection": "close"},
    ),
    source="error",
)


@dataclass(slots=True, kw_only=True)
class Exchange:
    """Runs a call; made inside the task that runs it. ``lifeline.abort`` ends it from outside."""

    call: Call
    trace: Trace
    pipeline: Pipeline
    account: Account
    background: Background
    lifeline: Lifeline
    connection: Connection | None
    receive: Receive
    send: Send
    forward: Mapping[str, str]
    write_timeout: float
    _provided: Reply | None = field(default=None, init=False)
    _drained: bool = field(default=False, init=False)
    _delivered: Delivered | None = field(default=None, init=False)
    _told: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Serve the call to its end. Raises only a cancellation that did not come through the lifeline."""
        self.lifeline.wanted = self.call.is_wanted
        ignore = self._heed_hang_up()
        try:
            await self._finish(await self._answer())
        finally:
            ignore()
        if self.lifeline.foreign:
            raise asyncio.CancelledError

    def _heed_hang_up(self) -> Callable[[], object]:
        """From now on, until the returned function is called."""
        connection = self.connection
        if connection is None:
            return asyncio.get_running_loop().create_task(self._listen()).cancel
        connection.hung_up = self._hung_up
        if connection.lost:
            self._hung_up()
        return partial(setattr, connection, "hung_up", None)

    def _hung_up(self) -> None:
        self.lifeline.abort("client_disconnect")

    async def _listen(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._hung_up()

    async def _answer(self) -> Reply:
        if self.lifeline.gone is None:
            with self.lifeline:
                self.call, reply = await self.pipeline.answer(self.call, self.trace, self.forward)
                if reply.source == "provider":
                    self._provided = reply
                    self._drained = reply.chunks is None and self.lifeline.gone is not None
                return reply
        reply = _STOPPED if self.lifeline.gone == "shutdown" else HUNG_UP
        return replace(reply, deployment=self.trace.deployment, attempts=self.trace.attempts)

    async def _finish(self, reply: Reply) -> None:
        """Conclude here, or as soon as this task is cancelled by somebody else, in a task that nobody else knows."""
        if not self.lifeline.foreign:
            try:
                await self._conclude(reply)
                return
            except asyncio.CancelledError:
                if interrupted():
                    self.lifeline.cut()
        if not self._told:
            self.background.start(self._conclude(reply))

    async def _conclude(self, reply: Reply) -> None:
        """Run again, it goes on where it was: what was done is not done twice, what was cut off stays cut off."""
        reply = await self.pipeline.finish(self.call, reply, self.trace)
        if self._delivered is not None:
            await close(reply.chunks)
            await self._tell(self._delivered)
            return
        delivered = self._delivered = Delivered(reply=reply, drained=self._drained)
        try:
            await self._responder().deliver(delivered)
        except asyncio.CancelledError:
            raise
        except BaseException:
            # A bug of ours is no reason for a call to be missing in the books.
            self.lifeline.gone = self.lifeline.gone or "provider_error"
            self.account.give_up()
            await self._tell(delivered)
            raise
        await self._tell(delivered)

    def _responder(self) -> Responder:
        return Responder(
            call=self.call,
            trace=self.trace,
            lifeline=self.lifeline,
            send=self.send,
            write_timeout=self.write_timeout,
            account=self.account,
            provided=self._provided,
        )

    async def _tell(self, delivered: Delivered) -> None:
        """The ledger first, then the plugins' watchers."""
        if not self.account.closed:
            await self.account.settle(self.call, delivered, self._provided)
            with suppress(JournalError):
                await self.account.write(self.call, delivered.reply, self.lifeline.gone)
        if self._told:
            return
        self._told = True
        if delivered.told:
            outcome = self._outcome(delivered.reply, delivered)
            told = [(watch, replace(outcome, assemble=body)) for watch, body in delivered.told]
            await tell(told, self.background)

    def _outcome(self, reply: Reply, delivered: Delivered) -> Outcome:
        trace, gone = self.trace, self.lifeline.gone
        return Outcome(
            status=reply.status,
            source=reply.source,
            complete=gone is None,
            error=gone,
            drained=delivered.drained,
            usage=self.account.usage,
            cost_nano_usd=self.account.cost_nano_usd,
            seconds=trace.seconds(),
            time_to_first_token=None if trace.first_byte is None else trace.first_byte - trace.started,
            deployment=reply.deployment,
            attempts=trace.attempts,
            reasons=trace.reasons,
            decisions=tuple(trace.decisions),
        )
