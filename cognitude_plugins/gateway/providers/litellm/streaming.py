"""A stream of LiteLLM's as server-sent events, and the closing of what is behind it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cognitude_plugins.gateway.providers.provider import Broke
from hooks.sse import DONE

from .answers import event
from .failures import broken_stream

_FINISHED: Final = ("received_finish_reason", "intermittent_finish_reason")
_MODEL: Final = "_provider_response_model"
"""What LiteLLM's stream wrapper knows of the upstream and does not put into the chunks."""


class Events:
    """`first` receives the first event; iterated, it gives that one and the rest, ``[DONE]`` last.

    Closing it closes the upstream's connection, also when nothing was ever taken, and closing again does nothing.
    LiteLLM makes up a ``stop`` for a stream that ended without its finish reason; here such a stream is `Broke`.
    """

    def __init__(
        self, stream: Any, wire: Any, *, raised: tuple[type[Exception], ...], between_chunks: float, usage: bool
    ) -> None:
        self._stream = stream
        self._wire = wire
        self._raised = raised
        self._between_chunks = between_chunks
        self._usage = usage
        self._first: bytes | None = None
        self._done = False

    async def first(self) -> None:
        """Raises what LiteLLM raises, and ``StopAsyncIteration`` when the stream is empty."""
        self._first = await self._next()

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._done:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(self._between_chunks) as clock:
                return await self._next()
        except StopAsyncIteration:
            self._done = True
            await self.aclose()
            return DONE
        except TimeoutError as error:
            reason = "timeout" if clock.expired() else broken_stream(error, self._wire)
            raise await self._broke(reason) from error
        except self._raised as error:
            raise await self._broke(broken_stream(error, self._wire)) from error

    async def aclose(self) -> None:
        self._done, self._first = True, None
        # Cancelling whoever closes must not leave the upstream generating.
        await asyncio.shield(self._close())

    async def _next(self) -> bytes:
        while True:
            chunk = await anext(self._stream)
            wrapper = _wrapper(self._stream)
            if _made_up_end(wrapper, chunk):
                raise await self._broke("truncated")
            if encoded := event(chunk, model=getattr(wrapper, _MODEL, None), usage=self._usage):
                return encoded

    async def _broke(self, reason: str) -> Broke:
        await self.aclose()
        return Broke(reason)

    async def _close(self) -> None:
        await self._wire.close()
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


def _wrapper(stream: Any) -> Any:
    """LiteLLM's chat stream; that of a text completion has one inside."""
    return stream if hasattr(stream, _FINISHED[0]) else getattr(stream, "completion_stream", None)


def _made_up_end(wrapper: Any, chunk: Any) -> bool:
    if not any(getattr(choice, "finish_reason", None) for choice in chunk.choices):
        return False
    return all(hasattr(wrapper, name) and getattr(wrapper, name) is None for name in _FINISHED)
