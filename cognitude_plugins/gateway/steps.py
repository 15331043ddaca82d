"""The stage guard: one hook of one plugin, compiled into a coroutine function that cannot fail the call by accident."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any, Final, Literal

from hooks import Call, Decision, Plan, Reply
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

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "pre_request": ("call",),
    "route": ("call", "plan"),
    "post_response": ("call", "reply"),
}

_NOTHING_YET: Final = Reply()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One hook of one entry: ``invoke`` is a coroutine function of the stage's `PARAMETERS`, not yet guarded."""

    invoke: Callable[..., Awaitable[Any]]
    stage: Stage
    policy: Policy


def compile_step(function: Callable[..., Any], taken: Sequence[str], stage: Stage, policy: Policy) -> Step:
    """``taken`` are the parameters the function really takes. Whatever it is, what comes out is awaited."""
    invoke = _adapt(function, tuple(taken), stage)
    if policy.timeout is not None:
        invoke = partial(_bounded, invoke, policy.timeout)
    elif not inspect.iscoroutinefunction(function):
        invoke = partial(_awaited, invoke)
    return Step(invoke=invoke, stage=stage, policy=policy)


async def advance(steps: Sequence[Step], trace: Trace, *values: Any) -> Any:
    """Run the hooks from ``trace.step`` on until one decides something; None when the last has not.

    The guard of every stage: what a hook raises or wrongly returns is its policy's business, a `Reply` if it rejects.
    Behind the hook that decided it goes on when called again, also after a cancellation.
    """
    while trace.step < len(steps):
        step = steps[trace.step]
        trace.step += 1
        started = 0.0 if trace.timings is None else perf_counter()
        try:
            result = await step.invoke(*values)
            if result is not None:
                result = _accepted(step.stage, values, result, step.policy)
        except asyncio.CancelledError as error:
            if interrupted():
                raise
            result = _failed(step.stage, values, error, step.policy)
        except Exception as error:
            result = _failed(step.stage, values, error, step.policy)
        if trace.timings is not None:
            trace.spend(step.policy.plugin, perf_counter() - started)
        if result is not None and step.policy.mode == "shadow":
            result = _recorded(step, trace, values[-1], result)
        if result is not None:
            return result
    return None


def _adapt(function: Callable[..., Any], taken: tuple[str, ...], stage: Stage) -> Callable[..., Any]:
    """The function itself when it takes everything in order; otherwise one that leaves out what it does not take."""
    if taken == PARAMETERS[stage]:
        return function
    positions = tuple(PARAMETERS[stage].index(name) for name in taken)
    return lambda *values: function(*(values[position] for position in positions))


async def _awaited(invoke: Callable[..., Any], *values: Any) -> Any:
    result = invoke(*values)
    return await result if inspect.isawaitable(result) else result


async def _bounded(invoke: Callable[..., Any], seconds: float, *values: Any) -> Any:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await _awaited(invoke, *values)
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"no answer within its timeout of {seconds:g} s") from error
        raise


def _accepted(stage: Stage, values: tuple[Any, ...], result: Any, policy: Policy) -> Any:
    """The result as the stage goes on with it. Raises `WrongReturn` for what it could not go on with."""
    check_kind(stage, result)
    if isinstance(result, Plan):
        check_plan(values[1], result)
        return result
    if stage == "post_response":
        return adopted(values[1], result, policy)
    if isinstance(result, Reply):
        stamped = result if result.source == policy.plugin else replace(result, source=policy.plugin)
        return adopted(_NOTHING_YET, stamped, policy)
    check_call(values[0], result)
    return result


def _failed(stage: Stage, values: tuple[Any, ...], error: BaseException, policy: Policy) -> Reply | None:
    policy.faults.failed(stage, error)
    if policy.on_error == "skip" or policy.mode == "shadow":
        return None
    message = f"The plugin {policy.plugin!r} failed and its policy is to reject the call."
    reply = replace(Reply.error(500, message, type="server_error", code="plugin_failed"), source="error")
    return adopted(values[1], reply, policy) if stage == "post_response" else reply


def _recorded(step: Step, trace: Trace, before: Any, after: Any) -> Reply | None:
    """What a plugin in shadow mode would have done is written down. What remains of it is its watching.

    Watching changes nothing, so a shadowed plugin may still settle what it has begun.
    """
    would = describe(before, after)
    step.policy.faults.would(f"{step.stage}: {would}")
    trace.decisions.append(Decision(plugin=step.policy.plugin, stage=step.stage, would=would))
    if step.stage != "post_response":
        return None
    watches = tuple(layer for layer in after.layers if isinstance(layer, Watch) and layer not in before.layers)
    return replace(before, layers=(*before.layers, *watches)) if watches else None


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
