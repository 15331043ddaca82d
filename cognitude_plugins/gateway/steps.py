"""The stage guard: one hook of one plugin, compiled into a coroutine function that cannot fail the call by accident."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final, Literal, cast

from hooks import Call, Decision, Plan, Reply
from hooks.stream import Change, Layer, Through, Watch

from .closing import close
from .faults import Faults, log
from .providers import Broke, ProviderError, Target
from .providers.verdict import failure
from .trace import Trace

Stage = Literal["pre_request", "route", "post_response"]
Run = Callable[..., Awaitable[Any]]

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "pre_request": ("call",),
    "route": ("call", "plan"),
    "post_response": ("call", "reply"),
}
_RETURNS: Final[dict[str, tuple[type, ...]]] = {
    "pre_request": (Call, Reply),
    "route": (Plan,),
    "post_response": (Reply,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One entry of the pipeline, as far as running its hooks is concerned. ``timeout`` in seconds."""

    plugin: str
    mode: Literal["enforce", "shadow"]
    on_error: Literal["skip", "reject"]
    timeout: float | None
    faults: Faults


class WrongReturn(TypeError):
    """A hook returned what its stage does not know."""


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
    returns = _RETURNS[stage]
    timeout = policy.timeout

    async def run(trace: Trace, *values: Any) -> Any:
        try:
            if timeout is not None and waits:
                async with asyncio.timeout(timeout):
                    result = await invoke(*values)
            elif waits:
                result = await invoke(*values)
            else:
                result = invoke(*values)
            if result is None:
                return None
            if not isinstance(result, returns):
                raise WrongReturn(_wrong(stage, result))
            if stage == "route":
                return narrowed(values[1], cast(Plan, result))
            if stage == "post_response":
                return adopted(values[1], cast(Reply, result), policy)
            return early(result, policy) if isinstance(result, Reply) else result
        except Exception as error:
            return _failed(stage, values, error, policy)

    return run


def _wrong(stage: Stage, result: object) -> str:
    allowed = " or ".join(kind.__name__ for kind in _RETURNS[stage])
    return f"{stage} returned {type(result).__name__}; a {allowed}, or None for no change, is expected"


def _failed(stage: Stage, values: tuple[Any, ...], error: Exception, policy: Policy) -> Reply | None:
    if isinstance(error, TimeoutError) and policy.timeout is not None:
        error = TimeoutError(f"no answer within its timeout of {policy.timeout:g} s")
    policy.faults.failed(stage, error)
    if policy.on_error == "skip" or policy.mode == "shadow":
        return None
    message = f"The plugin {policy.plugin!r} failed and its policy is to reject the call."
    reply = replace(Reply.error(500, message, type="server_error", code="plugin_failed"), source="error")
    return adopted(values[1], reply, policy) if stage == "post_response" else reply


def early(reply: Reply, policy: Policy) -> Reply:
    """An answer without the provider: signed with its plugin's name, its changes and its stream guarded."""
    reply = adopted(Reply(), replace(reply, source=policy.plugin), policy)
    if reply.chunks is None:
        return reply
    return replace(reply, chunks=_GuardedChunks(reply.chunks, policy))


def narrowed(before: Plan, after: Plan) -> Plan:
    """``after``, if it only narrows or reorders ``before``; raises `WrongReturn` naming what was added."""
    added = [deployment.id for deployment in after.deployments if deployment not in before.deployments]
    if added:
        raise WrongReturn(f"route may only narrow or reorder the plan; it added {', '.join(added)}")
    if len(set(after.deployments)) < len(after.deployments):
        raise WrongReturn("route may only narrow or reorder the plan; it repeated a deployment")
    return after


def adopted(before: Reply, after: Reply, policy: Policy) -> Reply:
    """``after`` with the watchers of ``before`` that it lost, and with its new changes guarded."""
    known = len(before.layers)
    if after.layers[:known] == before.layers:
        new = after.layers[known:]
        kept = before.layers
    else:
        kept = tuple(layer for layer in before.layers if isinstance(layer, Watch))
        new = tuple(layer for layer in after.layers if layer not in kept)
    layers = (*kept, *(_guard_layer(layer, policy) for layer in new))
    source = after.source or policy.plugin
    return replace(after, layers=layers, source=source)


def _guard_layer(layer: Layer, policy: Policy) -> Layer:
    if isinstance(layer, Through):
        return Through(wrap=lambda chunks: _GuardedChunks(layer.wrap(chunks), policy))
    if not isinstance(layer, Change):
        return layer

    def failed(error: Exception) -> None:
        policy.faults.failed("map", error)
        if policy.on_error == "reject":
            raise Rejected(policy.plugin) from error

    return Change(change=_quietly(layer.change, None, failed), end=layer.end and _quietly(layer.end, (), failed))


class _GuardedChunks:
    """A plugin's own stream. It cannot be skipped in the middle, so whatever the policy a failure ends the answer."""

    __slots__ = ("_chunks", "_policy")

    def __init__(self, chunks: AsyncIterator[bytes], policy: Policy) -> None:
        self._chunks = chunks
        self._policy = policy

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except (StopAsyncIteration, Broke, Rejected):
            raise
        except Exception as error:
            self._policy.faults.failed("stream", error)
            raise Rejected(self._policy.plugin) from error

    async def aclose(self) -> None:
        await close(self._chunks)


def _quietly(function: Callable[..., Any], otherwise: Any, failed: Callable[[Exception], None]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            result = function(*values)
            return list(result) if otherwise == () else result
        except Exception as error:
            failed(error)
            return otherwise

    return call


def _shadow(run: Run, stage: Stage, policy: Policy) -> Run:
    async def shadowed(trace: Trace, *values: Any) -> Any:
        result = await run(trace, *values)
        if result is None:
            return None
        would = describe(stage, values[-1], result)
        policy.faults.would(f"{stage}: {would}")
        trace.decisions.append(Decision(plugin=policy.plugin, stage=stage, would=would))
        if stage != "post_response":
            return None
        # Watching changes nothing, so a shadowed plugin may still settle what it has begun.
        watches = tuple(layer for layer in result.layers if isinstance(layer, Watch) and layer not in values[-1].layers)
        return replace(values[-1], layers=(*values[-1].layers, *watches)) if watches else None

    return shadowed


def describe(stage: Stage, before: Call | Plan | Reply, after: Call | Plan | Reply) -> str:
    """A change in words, without any value of a body."""
    if isinstance(after, Call) and isinstance(before, Call):
        old, new = before.payload.peek(), after.payload.peek()
        names = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return f"change {', '.join(names)}" if names else "change the call"
    if isinstance(after, Plan):
        return f"try {', '.join(item.id for item in after.deployments) or 'nothing'}" + (
            f" ({after.reasons[-1]})" if after.reasons else ""
        )
    if isinstance(after, Reply) and isinstance(before, Reply):
        same = before.status == after.status
        return "change the answer" if same else f"turn {before.status} into {after.status}"
    return f"answer with {after.status}" if isinstance(after, Reply) else "change the call"


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
    except Exception as error:
        log.exception("deployment %s: the provider's code failed", target.deployment.id)
        raise failure("crashed", "the gateway could not make this call to the provider") from error


async def ask_health(function: Callable[..., Any], faults: Faults) -> Mapping[str, object]:
    """A plugin's ``health``; one that fails or answers something else is degraded, not the gateway down."""
    try:
        result = function()
        block = await result if inspect.isawaitable(result) else result
        return dict(block or {})
    except Exception as error:
        faults.failed("health", error)
        return {"status": "degraded", "error": type(error).__name__}
