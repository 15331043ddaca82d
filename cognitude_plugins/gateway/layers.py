"""The stage guard's longer arm: what a plugin hung on a reply runs later, and may fail then."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from hooks import DROP, Reply
from hooks.sse import EventTooLarge
from hooks.stream import Change, Layer, Through, Watch

from .closing import close
from .codec import CODEC
from .interrupted import interrupted
from .policy import Policy, Rejected
from .providers import Broke
from .returned import WrongReturn, check_reply


def adopted(before: Reply, after: Reply, policy: Policy) -> Reply:
    """``after`` with the watchers of ``before`` that it lost, its new changes and its own stream guarded.

    Whatever a plugin puts in the place of a provider's answer, the provider was called: that stays known.
    """
    check_reply(before, after)
    layers = after.layers if after.layers is before.layers else _guarded(before.layers, after.layers, policy)
    chunks = after.chunks
    if chunks is not None and chunks is not before.chunks:
        chunks = _GuardedChunks(chunks, policy, before.chunks)
    source = after.source or policy.plugin
    deployment = after.deployment or before.deployment
    attempts = after.attempts or before.attempts
    ours = (layers, chunks, source, deployment, attempts)
    if ours == (after.layers, after.chunks, after.source, after.deployment, after.attempts):
        return after
    return replace(after, layers=layers, chunks=chunks, source=source, deployment=deployment, attempts=attempts)


def _guarded(before: tuple[Layer, ...], after: tuple[Layer, ...], policy: Policy) -> tuple[Layer, ...]:
    known = len(before)
    if after[:known] == before:
        kept, new = before, after[known:]
    else:
        kept = tuple(layer for layer in before if isinstance(layer, Watch))
        new = tuple(layer for layer in after if layer not in kept)
    return (*kept, *(_guard_layer(layer, policy) for layer in new))


def _guard_layer(layer: Layer, policy: Policy) -> Layer:
    def failed(error: Exception) -> None:
        policy.faults.failed("map" if isinstance(layer, Change) else "through", error)
        if policy.on_error == "reject":
            raise Rejected(policy.plugin) from error

    if isinstance(layer, Through):
        return Through(wrap=_wrapped(layer, policy, failed))
    if isinstance(layer, Change):
        return Change(change=_quietly(layer.change, None, failed), end=layer.end and _quietly(layer.end, (), failed))
    return layer


def _wrapped(layer: Through, policy: Policy, failed: Callable[[Exception], None]) -> Callable[..., Any]:
    def wrap(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            wrapped = layer.wrap(chunks)
            if not hasattr(wrapped, "__anext__"):
                if inspect.iscoroutine(wrapped):
                    wrapped.close()
                raise WrongReturn(f"through was given {type(wrapped).__name__}, not an asynchronous iterator")
        except Exception as error:
            failed(error)
            return chunks
        return _GuardedChunks(wrapped, policy, chunks)

    return wrap


class _GuardedChunks:
    """A plugin's own stream. It cannot be skipped in the middle, so whatever the policy a failure ends the answer.

    ``before`` is the stream in whose place it came; it is closed with it, also if the plugin does not.
    """

    __slots__ = ("_before", "_chunks", "_policy")

    def __init__(self, chunks: AsyncIterator[bytes], policy: Policy, before: AsyncIterator[bytes] | None) -> None:
        self._chunks = chunks
        self._policy = policy
        self._before = before

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
            if not isinstance(chunk, bytes):
                raise WrongReturn(f"its stream gave {type(chunk).__name__}; bytes are expected")
        except (StopAsyncIteration, Broke, Rejected, EventTooLarge):
            raise
        except asyncio.CancelledError as error:
            if interrupted():
                raise
            raise self._broken(error) from error
        except Exception as error:
            raise self._broken(error) from error
        return chunk

    def _broken(self, error: BaseException) -> Rejected:
        self._policy.faults.failed("stream", error)
        return Rejected(self._policy.plugin)

    async def aclose(self) -> None:
        try:
            await close(self._chunks)
        except Exception as error:
            self._policy.faults.failed("stream", error)
        finally:
            await close(self._before)


def _quietly(function: Callable[..., Any], otherwise: Any, failed: Callable[[Exception], None]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            result = function(*values)
            if otherwise == ():
                result = list(result)
            if result is not None and result is not DROP:
                # Only here does a value that is not JSON still have its plugin's name.
                CODEC.dumps(result)
            return result
        except Exception as error:
            failed(error)
            return otherwise

    return call
