"""The stage guard: one hook of one plugin, compiled into a coroutine function that cannot fail the call by accident."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Final, Literal

from hooks import Call, Decision, Reply
from hooks.stream import Watch

from .codec import CODEC
from .faults import Faults, log
from .interrupted import interrupted
from .layers import adopted
from .policy import Policy
from .providers import ProviderError, Target
from .providers.verdict import failure
from .returned import check_call, check_kind, check_plan, describe
from .trace import Trace

Stage = Literal["pre_request", "route", "post_response"]
Run = Callable[..., Awaitable[Any]]

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "pre_request": ("call",),
    "route": ("call", "plan"),
    "post_response": ("call", "reply"),
}


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
