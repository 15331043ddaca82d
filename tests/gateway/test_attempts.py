"""The plan's deployments in their order, until one answers."""

from __future__ import annotations

import asyncio
from typing import Any

from cognitude_plugins.gateway.attempts import call_provider
from cognitude_plugins.gateway.care import NO_CARE, Care
from cognitude_plugins.gateway.providers import ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.verdict import failure
from cognitude_plugins.gateway.trace import Trace
from cognitude_plugins.gateway.upstreams import Upstreams
from hooks import Call, Deployment, Plan, Reply
from hooks.testing import make_call
from tests.gateway.calls import Upstream, whole

IDS = ("one", "two", "three")


def deployment(id: str, upstream: str = "upstream") -> Deployment:
    return Deployment(id=id, model="m", provider="p", upstream_model=upstream, transport="direct")


PLAN = Plan(deployments=tuple(deployment(id) for id in IDS))


async def tried(
    *answers: Any, total: float = 600.0, trace: Trace | None = None, care: Care = NO_CARE
) -> tuple[Reply, list[str], list[float], Trace]:
    left = list(answers)

    async def answer(call: Call) -> Reply:
        outcome = left.pop(0)
        if isinstance(outcome, tuple):
            await asyncio.sleep(outcome[0])
            outcome = outcome[1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    upstream = Upstream(answer)
    targets = {id: Target(deployment=deployment(id), timeouts=Timeouts(total=total), care=care) for id in IDS}
    trace = trace or Trace()
    reply = await call_provider(make_call(), PLAN, targets, Upstreams(providers={"direct": upstream}), trace, {})
    totals = [target.timeouts.total for _, _, target in upstream.asked]
    return reply, [target.deployment.id for _, _, target in upstream.asked], totals, trace


def busy() -> ProviderError:
    return failure("status_429", "busy", status=429, headers={"retry-after": "7"})


async def test_the_first_answer_is_taken() -> None:
    reply, asked, _, trace = await tried(whole())
    assert asked == ["one"]
    assert (reply.source, reply.attempts, trace.attempts) == ("provider", 1, 1)
    assert reply.deployment is not None
    assert reply.deployment.id == "one"


async def test_the_next_one_is_tried_after_what_may_pass() -> None:
    reply, asked, _, trace = await tried(failure("connect", "no"), busy(), whole())
    assert asked == ["one", "two", "three"]
    assert (reply.status, reply.attempts) == (200, 3)
    assert trace.provider_seconds >= 0


async def test_what_will_not_pass_is_not_tried_again() -> None:
    reply, asked, _, _ = await tried(failure("status_301", "a redirect", retryable=False), whole())
    assert asked == ["one"]
    assert (reply.status, reply.source) == (502, "error")


async def test_a_4xx_of_the_clients_own_is_an_answer() -> None:
    reply, asked, _, _ = await tried(Reply.error(400, "no"), whole())
    assert (asked, reply.status, reply.source) == (["one"], 400, "provider")


async def test_the_last_failure_is_the_answer_and_names_who_gave_it() -> None:
    reply, asked, _, _ = await tried(failure("connect", "no"), failure("connect", "no"), busy())
    assert asked == ["one", "two", "three"]
    assert (reply.status, reply.source, reply.attempts, reply.headers["retry-after"]) == (429, "error", 3, "7")
    assert reply.deployment is not None
    assert reply.deployment.id == "three"


async def test_all_attempts_together_have_the_total_time() -> None:
    reply, asked, totals, _ = await tried((0.05, busy()), (0.08, busy()), whole(), total=0.1)
    assert asked == ["one", "two"]
    assert totals[0] == 0.1
    assert 0 < totals[1] <= 0.05, "a later attempt has what the earlier ones left"
    assert reply.deployment is not None
    assert reply.deployment.id == "two", "the one that was not tried any more did not fail"


async def test_an_empty_plan_is_a_503_of_the_gateways() -> None:
    plan = Plan(deployments=(), reasons=("first", "nothing in the EU"))
    reply = await call_provider(make_call(), plan, {}, Upstreams(providers={}), Trace(), {})
    assert (reply.status, reply.source, reply.attempts) == (503, "error", 0)
    assert "nothing in the EU" in reply.body["error"]["message"]
