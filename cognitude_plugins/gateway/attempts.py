"""The provider call: the plan's deployments in order until one answers, and round again. Never after the first byte."""

from __future__ import annotations

from collections.abc import Mapping

from hooks import Call, Plan, Reply

from .course import Course
from .hedge import hedged
from .providers import Target
from .trace import Trace
from .unserved import nothing_left
from .upstreams import Upstreams


async def call_provider(
    call: Call,
    plan: Plan,
    targets: Mapping[str, Target],
    upstreams: Upstreams,
    trace: Trace,
    headers: Mapping[str, str],
) -> Reply:
    """The first deployment's answer, or the next one's when it could not be reached, timed out, or said 408, 429, 5xx.

    Those that may have got over it are tried once more after all the others, as `Retries` has it. ``targets`` are by
    deployment id. When none answered, the last failure's reply, its source ``error``; when none was to be called, a 503
    that says when. An empty plan is a 503 that says which router left nothing.
    """
    course = Course(call=call, targets=targets, upstreams=upstreams, trace=trace, headers=headers)
    left = plan.deployments
    while left:
        for place, deployment in enumerate(left):
            if targets[deployment.id].care.hedging.enabled and not call.stream:
                reply = await hedged(course, deployment, left[place + 1 :])
            else:
                reply = await course.attempt(deployment)
            if reply is not None:
                return reply
            if course.over:
                return course.unanswered()
        left = await course.again(plan.deployments)
    return course.unanswered() if plan.deployments else nothing_left(plan)
