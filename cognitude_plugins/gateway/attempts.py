"""The provider call: the plan's deployments in order until one answers. Never after the first byte."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Final

from hooks import Call, Deployment, Plan, Reply

from .flight import Flight
from .metered import Metered
from .providers import Provider, ProviderError, Target
from .splice import with_field
from .steps import ask_provider
from .trace import Trace
from .vitals import VitalsBook

TargetFor = Callable[[str, Target], Target]
"""The target with the credential of an organization in place of the gateway's, if it has one of its own."""

log: Final = logging.getLogger("cognitude.providers")


async def call_provider(
    call: Call,
    plan: Plan,
    targets: Mapping[str, Target],
    providers: Mapping[str, Provider],
    trace: Trace,
    headers: Mapping[str, str],
    target_for: TargetFor | None = None,
    vitals: VitalsBook | None = None,
) -> Reply:
    """The first deployment's answer, or the next one's when it could not be reached, timed out, or said 408, 429, 5xx.

    ``targets`` by deployment id, ``providers`` by transport; ``target_for`` makes a target the caller's own; ``vitals``
    are told what became of each attempt. When none answered, the last failure's reply, its source ``error``. An empty
    plan is a 503 that says which router left nothing.
    """
    vitals = VitalsBook() if vitals is None else vitals
    failure: ProviderError | None = None
    failed: Deployment | None = None
    for deployment in plan.deployments:
        target = targets[deployment.id]
        left = target.timeouts.total - trace.seconds() if failure is not None else None
        if left is not None and left <= 0:
            break
        trace.attempts += 1
        trace.deployment = deployment
        before, trace.unsure = trace.unsure, True
        began = perf_counter()
        flight, streamed = None, False
        try:
            if target_for is not None:
                target = target_for(call.caller.organization, target)
            if left is not None:
                target = replace(target, timeouts=replace(target.timeouts, total=left))
            flight = Flight(vitals.of(deployment.id, target.owner))
            send = providers[deployment.transport].send
            reply = await ask_provider(send, call, upstream_body(call, deployment), target, headers)
            flight.answered()
            streamed = reply.chunks is not None
            return _provided(reply, deployment, trace.attempts, flight)
        except ProviderError as error:
            if flight is not None:
                flight.failed()
            failure, failed = error, deployment
            trace.unsure = before or not _free(error.reason)
            log.warning("call %s: deployment %s failed: %s", call.id, deployment.id, error.reason)
            if not error.retryable:
                break
        finally:
            if flight is not None and not streamed:
                flight.land()
            trace.provider_seconds += perf_counter() - began
    if failure is None:
        return nothing_left(plan)
    return replace(failure.reply, source="error", deployment=failed, attempts=trace.attempts)


def _provided(reply: Reply, deployment: Deployment, attempts: int, flight: Flight) -> Reply:
    return Reply(
        status=reply.status,
        headers=reply.headers,
        payload=reply.payload,
        chunks=None if reply.chunks is None else Metered(reply.chunks, flight),
        source="provider",
        deployment=deployment,
        attempts=attempts,
    )


def _free(reason: str) -> bool:
    """What was never sent costs nothing, nor what was answered with an error; what broke off may."""
    return reason in ("connect", "credential", "refused") or reason.startswith("status_")


def nothing_left(plan: Plan) -> Reply:
    why = plan.reasons[-1] if plan.reasons else "the plan is empty"
    message = f"No deployment is left to call: {why}."
    return replace(Reply.error(503, message, type="server_error", code="no_deployment"), source="error")


def upstream_body(call: Call, deployment: Deployment) -> bytes:
    """The bytes to send: the client's own, with the upstream's model name, and usage asked for on a stream."""
    payload = with_field(call.payload, "model", deployment.upstream_model)
    if call.api in ("chat", "completions") and call.stream:
        options = payload.peek().get("stream_options")
        asked = {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
        payload = with_field(payload, "stream_options", asked)
    return payload.raw


def asked_for_usage(call: Call) -> bool:
    """Whether the client itself asked for the usage event of its stream."""
    options = call.payload.peek().get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
