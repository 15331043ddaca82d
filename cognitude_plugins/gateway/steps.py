"""The stage guard: one hook of one plugin, compiled into a coroutine function that cannot fail the call by accident."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final, Literal

from hooks import DROP, Call, Decision, Reply
from hooks.sse import EventTooLarge
from hooks.stream import Change, Layer, Through, Watch

from .closing import close
from .codec import CODEC
from .faults import Faults, log
from .interrupted import interrupted
from .providers import Broke, ProviderError, Target
from .providers.verdict import failure
from .returned import WrongReturn, check_call, check_kind, check_plan, check_reply, describe
from .trace import Trace

Stage = Literal["pre_request", "route", "post_response"]
Run = Callable[..., Awaitable[Any]]

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "pre_request": ("call",),
    "route": ("call", "plan"),
    "post_response": ("call", "reply"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One entry of the pipeline, as far as running its hooks is concerned. ``timeout`` in seconds."""

    plugin: str
    mode: Literal["enforce", "shadow"]
    on_error: Literal["skip", "reject"]
    timeout: float | None
    faults: Faults


class Rejected(Exception):
    """A change of a stream failed and its plugin's policy is to reject: the stream ends here."""


def compile_step(function: Callable[..., Any], taken: Sequence[str], stage: Stage, policy: Policy) -> tuple[Run, Run]:
    """The guarded hook and its timed twin, both ``run(trace, *values)`` with the stage's `PARAMETERS`.

    ``taken`` are the parameters the function really takes. The result is a value of the stage, a `Reply` when the
    policy rejects, or None for no change.
    """
    run = _guard(_adapt(function, tuple(taken), stage), inspect.iscoroutinefunction(function), stage, policy)
    if policy.mode == "shadow":
        run = _shadow(run, stage, policy)
    return run, _timed(run, policy.plugin)


def _adapt(function: Callable[..., Any], taken: tuple[str, ...], stage: Stage) -> Callable[..., Any]:
    """The function itself when it takes everything in order; otherwise one that leaves out what it does not take."""
    if taken == PARAMETERS[stage]:
        return function
    positions = tuple(PARAMETERS[stage].index(name) for name in taken)
    return lambda *values: function(*(values[position] for position in positions))


def _guard(invoke: Callable[..., Any], waits: bool, stage: Stage, policy: Policy) -> Run:
    timeout = policy.timeout

    async def run(trace: Trace, *values: Any) -> Any:
        try:
            if timeout is not None:
                result = await _bounded(invoke, values, timeout)
            elif waits:
                result = await invoke(*values)
            else:
                result = invoke(*values)
                if inspect.isawaitable(result):
                    result = await result
            return None if result is None else _accepted(stage, values, result, policy)
        except asyncio.CancelledError as error:
            if interrupted():
                raise
            return _failed(stage, values, error, policy)
        except Exception as error:
            return _failed(stage, values, error, policy)

    return run


async def _bounded(invoke: Callable[..., Any], values: tuple[Any, ...], seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            result = invoke(*values)
            return await result if inspect.isawaitable(result) else result
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"no answer within its timeout of {seconds:g} s") from error
        raise


def _accepted(stage: Stage, values: tuple[Any, ...], result: Any, policy: Policy) -> Any:
    """The result as the stage goes on with it. Raises `WrongReturn` for what it could not go on with."""
    check_kind(stage, result)
    if stage == "route":
        check_plan(values[1], result)
        return result
    if stage == "post_response":
        return adopted(values[1], result, policy)
    if isinstance(result, Reply):
        return adopted(Reply(), replace(result, source=policy.plugin), policy)
    check_call(values[0], result)
    return result


def _failed(stage: Stage, values: tuple[Any, ...], error: BaseException, policy: Policy) -> Reply | None:
    policy.faults.failed(stage, error)
    if policy.on_error == "skip" or policy.mode == "shadow":
        return None
    message = f"The plugin {policy.plugin!r} failed and its policy is to reject the call."
    reply = replace(Reply.error(500, message, type="server_error", code="plugin_failed"), source="error")
    return adopted(values[1], reply, policy) if stage == "post_response" else reply


def adopted(before: Reply, after: Reply, policy: Policy) -> Reply:
    """``after`` with the watchers of ``before`` that it lost, its new changes and its own stream guarded.

    Whatever a plugin puts in the place of a provider's answer, the provider was called: that stays known.
    """
    check_reply(before, after)
    known = len(before.layers)
    if after.layers[:known] == before.layers:
        new = after.layers[known:]
        kept = before.layers
    else:
        kept = tuple(layer for layer in before.layers if isinstance(layer, Watch))
        new = tuple(layer for layer in after.layers if layer not in kept)
    chunks = after.chunks
    if chunks is not None and chunks is not before.chunks:
        chunks = _GuardedChunks(chunks, policy, None if policy.mode == "shadow" else before.chunks)
    return replace(
        after,
        layers=(*kept, *(_guard_layer(layer, policy) for layer in new)),
        source=after.source or policy.plugin,
        chunks=chunks,
        deployment=after.deployment or before.deployment,
        attempts=after.attempts or before.attempts,
    )


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


def _shadow(run: Run, stage: Stage, policy: Policy) -> Run:
    async def shadowed(trace: Trace, *values: Any) -> Any:
        result = await run(trace, *values)
        if result is None:
            return None
        would = describe(values[-1], result)
        policy.faults.would(f"{stage}: {would}")
        trace.decisions.append(Decision(plugin=policy.plugin, stage=stage, would=would))
        if stage != "post_response":
            return None
        # Watching changes nothing, so a shadowed plugin may still settle what it has begun.
        watches = tuple(layer for layer in result.layers if isinstance(layer, Watch) and layer not in values[-1].layers)
        return replace(values[-1], layers=(*values[-1].layers, *watches)) if watches else None

    return shadowed


def _timed(run: Run, plugin: str) -> Run:
    async def timed(trace: Trace, *values: Any) -> Any:
        started = perf_counter()
        try:
            return await run(trace, *values)
        finally:
            trace.spend(plugin, perf_counter() - started)

    return timed


async def ask_provider(
    send: Callable[..., Awaitable[Reply]], call: Call, body: bytes, target: Target, headers: Mapping[str, str]
) -> Reply:
    """One attempt. Whatever a provider's library trips over is a failed attempt, never the end of the call."""
    try:
        return await send(call, body, target, headers)
    except ProviderError:
        raise
    except asyncio.CancelledError as error:
        if interrupted():
            raise
        raise failure("crashed", "the call to the provider was cancelled from inside") from error
    except Exception as error:
        log.exception("deployment %s: the provider's code failed", target.deployment.id)
        raise failure("crashed", "the gateway could not make this call to the provider") from error


async def ask_health(function: Callable[..., Any], faults: Faults) -> Mapping[str, object]:
    """A plugin's ``health``; one that fails or answers something else is degraded, not the gateway down."""
    try:
        result = function()
        block = await result if inspect.isawaitable(result) else result
        return dict(CODEC.loads(CODEC.dumps(dict(block or {}))))
    except Exception as error:
        faults.failed("health", error)
        return {"status": "degraded", "error": type(error).__name__}
