"""One call's course over its deployments: which were tried, what came of each, which may be tried again and when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Final

from hooks import Call, Deployment, Reply

from .backoff import pause, retry_after
from .breaker import Breaker
from .flight import Flight
from .metered import Metered
from .providers import ProviderError, Target
from .refusals import for_its_content, stated_limit, too_long
from .retry_budget import RetryBudget
from .steps import ask_provider
from .trace import Trace
from .unserved import Why, no_time, not_now
from .upstream_body import upstream_body
from .upstreams import Upstreams
from .vitals import Vital

log: Final = logging.getLogger("cognitude.providers")

_SOON: Final = 1.0
"""Seconds to come back in where a place may become free at any time."""

_JUST: Final = 0.02
"""Seconds by which a timer may strike early or late."""


@dataclass(slots=True, kw_only=True)
class Course:
    """``over``: no further deployment is to be tried. ``ahead``: those that were tried before their turn."""

    call: Call
    targets: Mapping[str, Target]
    upstreams: Upstreams
    trace: Trace
    headers: Mapping[str, str]
    over: bool = False
    ahead: set[str] = field(default_factory=set)
    _failure: ProviderError | None = None
    _failed: Deployment | None = None
    _refusal: Reply | None = None
    _larger_than: int = 0
    _unwilling: frozenset[str] = frozenset()
    _round: int = 0
    _again_at: dict[str, float] = field(default_factory=dict)
    _passed: list[tuple[str, Why, float]] = field(default_factory=list)
    _paid: list[RetryBudget] = field(default_factory=list)

    async def attempt(self, deployment: Deployment) -> Reply | None:
        """Its answer; None when it has none, or is not to be called now."""
        if self.ahead and deployment.id in self.ahead:
            self.ahead.discard(deployment.id)
            return None
        self._again_at.pop(deployment.id, None)
        if self._refusal is not None and not self._may_do_better(deployment):
            return None
        trace, target = self.trace, self.targets[deployment.id]
        left = self._left(target)
        if left is not None and left <= 0:
            self.over = True
            return None
        began, streamed, flight = perf_counter(), False, None
        unsure = trace.unsure
        try:
            if self.upstreams.target_for is not None:
                target = self.upstreams.target_for(self.call.caller.organization, target)
            flight = await self._admitted(target, left)
            if flight is None:
                return None
            trace.attempts += 1
            trace.deployment = deployment
            trace.unsure = True
            if left is not None:
                target = replace(target, timeouts=replace(target.timeouts, total=left))
                flight.cut_after(left)
            send = self.upstreams.providers[deployment.transport].send
            reply = await ask_provider(send, self.call, upstream_body(self.call, deployment), target, self.headers)
            streamed = reply.chunks is not None
            flight.answered(timed=reply.status < 400, streamed=streamed)
            trace.note(deployment.id, "ok" if reply.status < 400 else f"status_{reply.status}", flight.seconds)
            return self._taken(reply, deployment, flight, unsure)
        except ProviderError as error:
            trace.unsure = unsure or not _free(error.reason)
            self._fail(error, target, flight)
            return None
        finally:
            if flight is not None and not streamed:
                flight.land()
            trace.provider_seconds += perf_counter() - began

    async def again(self, deployments: tuple[Deployment, ...]) -> tuple[Deployment, ...]:
        """Waits until some of them may be tried once more, and says which; none when it is not worth it."""
        self._round += 1
        due = self._again_at
        first = next((one for one in deployments if one.id in due), None)
        if first is None:
            return ()
        target = self.targets[first.id]
        rules = target.care.retries
        wait = pause(self._round, rules.base_seconds, rules.longest_seconds, self.upstreams.random)
        wait = max(wait, min(due.values()) - perf_counter())
        left = self._left(target)
        if wait > rules.longest_seconds or (left is not None and wait >= left):
            return ()
        await asyncio.sleep(wait)
        self.trace.provider_seconds += wait
        now = perf_counter() + _JUST
        return tuple(one for one in deployments if due.get(one.id, now) < now)

    def unanswered(self) -> Reply:
        """The answer when no deployment has given one."""
        if self._failure is not None:
            reply = self._failure.reply
            return replace(reply, source="error", deployment=self._failed, attempts=self.trace.attempts)
        if self._refusal is not None:
            return self._refusal
        return not_now(self.call, self._passed) if self._passed else no_time()

    def fork(self) -> Course:
        """Another course of the same call, for an attempt beside this one; `join` takes up what came of it."""
        trace = self.trace.fork()
        return replace(self, trace=trace, ahead=set(), _again_at={}, _passed=[], _failure=self._failure)

    def join(self, part: Course) -> None:
        trace = self.trace
        trace.attempts += part.trace.attempts
        trace.tried += part.trace.tried
        trace.deployment = part.trace.deployment or trace.deployment
        trace.unsure = trace.unsure or part.trace.unsure
        self._failure, self._failed = part._failure or self._failure, part._failed or self._failed
        self._refusal = part._refusal or self._refusal
        self._larger_than = max(self._larger_than, part._larger_than)
        self._unwilling |= part._unwilling
        self._again_at |= part._again_at
        self._passed += part._passed
        self.over = self.over or part.over

    def counted(self, reply: Reply) -> Reply:
        """With the attempts of all."""
        return replace(reply, attempts=self.trace.attempts)

    def is_well(self, deployment: Deployment) -> bool:
        """Whether it is worth a call that need not be made."""
        vital = self.upstreams.vitals.of(deployment.id)
        return vital.state == "closed" and self._may_do_better(deployment)

    def _left(self, target: Target) -> float | None:
        """Seconds, where they are fewer than the target's own total."""
        seconds, left = None, self.trace.deadline
        if self._failure is not None or self._refusal is not None:
            seconds = self.trace.seconds()
            total = target.timeouts.total
            left = total if left is None else min(left, total)
        elif left is not None:
            left = min(left, target.timeouts.total)
        return None if left is None else left - (self.trace.seconds() if seconds is None else seconds)

    async def _admitted(self, target: Target, left: float | None) -> Flight | None:
        """By the gate, the breaker and, for one more call to the same provider, its retry budget."""
        deployment, owner = target.deployment, target.owner
        vital = self.upstreams.vitals.of(deployment.id, owner)
        breaker, gate = vital.breaker, vital.gate
        if gate is not None and (breaker.wait or not await gate.enter(target.timeouts.total if left is None else left)):
            self._pass(deployment, _why(breaker) if breaker.wait else "full", breaker.wait or _SOON)
            return None
        probe = breaker.enter()
        if probe is None:
            if gate is not None:
                gate.leave()
            self._pass(deployment, _why(breaker), breaker.wait)
            return None
        flight = Flight(vital, probe=probe)
        budget = self.upstreams.budget(target)
        if not self._paid or budget not in self._paid:
            budget.deposit()
            self._paid.append(budget)
        elif not budget.withdraw():
            flight.land()
            self._pass(deployment, "retry_budget", _SOON)
            return None
        return flight

    def _pass(self, deployment: Deployment, why: Why, wait: float) -> None:
        self._passed.append((deployment.id, why, wait))
        self.trace.note(deployment.id, why, 0.0)

    def _fail(self, error: ProviderError, target: Target, flight: Flight | None) -> None:
        deployment = target.deployment
        if flight is None:
            self.trace.attempts += 1
            self.trace.deployment = deployment
        seconds = 0.0 if flight is None else flight.seconds
        self._failure, self._failed = error, deployment
        self.over = not error.retryable
        self.trace.note(deployment.id, error.reason, seconds)
        log.warning("call %s: deployment %s failed: %s", self.call.id, deployment.id, error.reason)
        asked = retry_after(error.reply.headers)
        if flight is not None and not (error.reason == "timeout" and flight.was_cut):
            flight.failed(asked if error.reason == "status_429" else None)
            self._say_open(self.upstreams.vitals.of(deployment.id, target.owner), deployment)
        if self._round < target.care.retries.most and _may_pass(error.reason):
            self._again_at[deployment.id] = perf_counter() + (asked or 0.0)

    def _say_open(self, vital: Vital, deployment: Deployment) -> None:
        if vital.state == "open":
            log.warning("deployment %s gets no calls for %.1f s", deployment.id, vital.breaker.wait)

    def _taken(self, reply: Reply, deployment: Deployment, flight: Flight, unsure: bool) -> Reply | None:
        provided = _provided(reply, deployment, self.trace.attempts, flight)
        if reply.status < 400:
            return provided
        refused = self._refused(reply, deployment)
        if refused:
            self.trace.unsure = unsure
            self._refusal = provided
        return None if refused else provided

    def _refused(self, reply: Reply, deployment: Deployment) -> bool:
        """Whether another deployment may answer what this one did not want to; from now on only such are tried."""
        if too_long(reply):
            limit = self.upstreams.traits(deployment).context_tokens or stated_limit(reply)
            self._larger_than = max(self._larger_than, limit or 0)
            return limit is not None
        if self.targets[deployment.id].care.retries.other_on_refusal and for_its_content(reply):
            self._unwilling |= {deployment.provider}
            return True
        return False

    def _may_do_better(self, deployment: Deployment) -> bool:
        if deployment.provider in self._unwilling:
            return False
        context = self.upstreams.traits(deployment).context_tokens
        return not self._larger_than or (context is not None and context > self._larger_than)


def _why(breaker: Breaker) -> Why:
    return "rate_limited" if breaker.rests else "circuit_open"


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


def _may_pass(reason: str) -> bool:
    """Whether the same deployment may answer in a moment. Who has waited for a timeout has waited enough."""
    return reason in ("connect", "reset", "status_408", "status_429") or reason.startswith("status_5")
