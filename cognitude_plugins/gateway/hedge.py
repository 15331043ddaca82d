"""A second attempt for a whole answer that takes unusually long: the first good one of the two is taken.

The other is not cancelled: a provider may well charge for what it has begun, and what it cost is known only at its end.
It is let finish in the background, and has a row of its own in the ledger (`lost_hedge`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from hooks import Deployment, Reply

from .course import Course

Attempt = asyncio.Task[Reply | None]


async def hedged(course: Course, first: Deployment, others: Sequence[Deployment]) -> Reply | None:
    """As `Course.attempt` of ``first``; ``others`` are the deployments behind it."""
    upstreams, target = course.upstreams, course.targets[first.id]
    rules = target.care.hedging
    budget = upstreams.hedges(target)
    budget.deposit()
    delay = upstreams.vitals.of(first.id).usual(rules.quantile, rules.observations)
    if delay is None or first.id in course.ahead:
        return await course.attempt(first)
    began = perf_counter()
    parts: dict[Attempt, Course] = {}
    try:
        slow = _begin(course, first, parts)
        await asyncio.wait((slow,), timeout=delay)
        if not slow.done() and budget.withdraw():
            second = next((one for one in others if course.is_well(one)), first)
            course.ahead.add(second.id)
            _begin(course, second, parts)
        return await _first_good(course, parts)
    except asyncio.CancelledError:
        for task, part in parts.items():
            task.cancel()
            course.join(part)
        await asyncio.wait(parts)
        raise
    finally:
        course.ahead.discard(first.id)
        course.trace.provider_seconds += perf_counter() - began


def _begin(course: Course, deployment: Deployment, parts: dict[Attempt, Course]) -> Attempt:
    part = course.fork()
    task = asyncio.get_running_loop().create_task(part.attempt(deployment))
    parts[task] = part
    return task


async def _first_good(course: Course, parts: dict[Attempt, Course]) -> Reply | None:
    """None when neither has an answer. Who is late is left to end by itself."""
    left = set(parts)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            course.join(parts.pop(task))
        good = next((reply for task in done if (reply := task.result()) is not None), None)
        if good is not None:
            for task in left:
                part = parts.pop(task)
                course.trace.attempts += 1
                course.trace.note(_id(part), "hedge_lost", part.trace.seconds())
                course.upstreams.lost(course.call, task, part)
            return course.counted(good)
    return None


def _id(part: Course) -> str:
    return "" if part.trace.deployment is None else part.trace.deployment.id
