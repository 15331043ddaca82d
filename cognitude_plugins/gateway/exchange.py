"""One call from its admission to its watchers: the pipeline, the answer's bytes, the outcome. Each exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hooks import Call, Outcome, Reply, Usage

from .lifeline import Lifeline
from .pipeline import Pipeline
from .prices import PriceBook
from .respond import Delivered, Message, Responder, Send
from .trace import Trace
from .watchers import Background, tell

Receive = Callable[[], Awaitable[Message]]

_HUNG_UP: Final = replace(
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
    prices: PriceBook
    background: Background
    lifeline: Lifeline
    receive: Receive
    send: Send
    forward: Mapping[str, str]
    write_timeout: float

    async def run(self) -> None:
        """Serve the call to its end. Raises only a cancellation that did not come through the lifeline."""
        listener = asyncio.get_running_loop().create_task(self._listen())
        try:
            reply = await self._answer()
            if self.lifeline.foreign:
                self.background.start(self._conclude(reply))
            else:
                await self._conclude(reply)
        finally:
            listener.cancel()
        if self.lifeline.foreign:
            raise asyncio.CancelledError

    async def _listen(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.lifeline.abort("client_disconnect")

    async def _answer(self) -> Reply:
        with self.lifeline:
            self.call, reply = await self.pipeline.answer(self.call, self.trace, self.forward)
            return reply
        return _STOPPED if self.lifeline.gone == "shutdown" else _HUNG_UP

    async def _conclude(self, reply: Reply) -> None:
        reply = await self.pipeline.finish(self.call, reply, self.trace)
        responder = Responder(
            call=self.call,
            trace=self.trace,
            lifeline=self.lifeline,
            send=self.send,
            write_timeout=self.write_timeout,
            cost=self._cost,
        )
        delivered = await responder.deliver(reply)
        if delivered.told:
            outcome = self._outcome(reply, delivered)
            told = [(watch, replace(outcome, assemble=body)) for watch, body in delivered.told]
            await tell(told, self.background)

    def _cost(self, reply: Reply, usage: Usage | None) -> int | None:
        """Nothing when no provider was called; None when the price or the usage is not known."""
        if self.trace.attempts == 0:
            return 0
        if reply.source != "provider" or reply.deployment is None:
            return None
        price = self.prices.of(reply.deployment)
        return None if price is None or usage is None else price.cost(usage)

    def _outcome(self, reply: Reply, delivered: Delivered) -> Outcome:
        trace, gone = self.trace, self.lifeline.gone
        return Outcome(
            status=reply.status,
            source=reply.source,
            complete=gone is None,
            error=gone,
            usage=delivered.usage,
            cost_nano_usd=self._cost(reply, delivered.usage),
            seconds=trace.seconds(),
            time_to_first_token=None if trace.first_byte is None else trace.first_byte - trace.started,
            deployment=reply.deployment,
            attempts=trace.attempts,
            reasons=trace.reasons,
            decisions=tuple(trace.decisions),
        )
