"""Which deployments a call tries, in which order, how often, and what it answers when none has answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from cognitude_plugins.gateway.attempts import call_provider
from cognitude_plugins.gateway.care import NO_CARE, BreakerRules, Care, Concurrency, Retries
from cognitude_plugins.gateway.providers import ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.verdict import failure
from cognitude_plugins.gateway.trace import Trace
from cognitude_plugins.gateway.upstreams import Upstreams
from cognitude_plugins.gateway.vitals import VitalsBook
from hooks import Call, Deployment, Plan, Reply, Traits
from hooks.testing import make_call
from tests.gateway.calls import Upstream, whole

FAST = Retries(most=1, base_seconds=0.01, longest_seconds=0.5)
CARE = replace(NO_CARE, retries=FAST)
LONG = Reply.error(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded")
FILTERED = Reply.error(400, "no", code="content_filter")


class World:
    """Deployments ``a``, ``b``, … that answer what ``says`` has for them, call after call, the last for ever."""

    def __init__(self, care: Care = CARE, ids: str = "ab", **says: Any) -> None:
        self.says = {id: list(said) if isinstance(said, tuple) else [said] for id, said in says.items()}
        self.asked: list[str] = []
        self.targets = {id: self.target(id, care) for id in ids}
        self.plan = Plan(deployments=tuple(target.deployment for target in self.targets.values()))
        self.known: dict[str, Traits] = {}
        self.traces: list[Trace] = []
        self.upstreams = Upstreams(
            providers={"direct": self},
            vitals=VitalsBook({id: target.care for id, target in self.targets.items()}),
            traits=lambda one: self.known.get(one.id, Traits()),
            random=Random(1),
        )

    def target(self, id: str, care: Care) -> Target:
        deployment = Deployment(id=id, model="m", provider=f"p{id}", upstream_model="u", transport="direct")
        return Target(deployment=deployment, base_url=f"http://{id}", care=care, timeouts=Timeouts(total=5))

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        id = target.deployment.id
        self.asked.append(id)
        says = self.says[id]
        said = says.pop(0) if len(says) > 1 else says[0]
        if callable(said):
            said = await said(target)
        if isinstance(said, Exception):
            raise said
        return said  # type: ignore[no-any-return]

    async def ask(self, deadline: float | None = None) -> Reply:
        trace = Trace()
        trace.deadline = deadline
        self.traces.append(trace)
        return await call_provider(make_call(), self.plan, self.targets, self.upstreams, trace, {})

    @property
    def order(self) -> str:
        return "".join(self.asked)


def status(code: int, **headers: str) -> ProviderError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failure(f"status_{code}", "no", status=code, headers=named)


def code_of(reply: Reply) -> Any:
    return reply.body["error"]["code"]


async def test_each_is_tried_before_any_is_tried_again() -> None:
    world = World(a=(status(503), whole()), b=status(500))
    reply = await world.ask()
    assert (reply.status, reply.attempts, world.order) == (200, 3, "aba")


@pytest.mark.parametrize(("most", "order"), [(0, "ab"), (1, "abab"), (3, "abababab")])
async def test_no_more_often_than_is_configured(most: int, order: str) -> None:
    world = World(replace(CARE, retries=replace(FAST, most=most)), a=status(503), b=status(500))
    assert ((await world.ask()).status, world.order) == (500, order)


@pytest.mark.parametrize("reason", ["timeout", "malformed", "crashed", "status_401"])
async def test_what_another_moment_does_not_mend_is_not_tried_again_there(reason: str) -> None:
    world = World(a=failure(reason, "no"), b=failure(reason, "no"))
    await world.ask()
    assert world.order == "ab"


async def test_retry_after_is_waited_for() -> None:
    world = World(ids="a", a=(status(503, retry_after_ms="120"), whole()))
    began = time.monotonic()
    assert (await world.ask()).status == 200
    assert time.monotonic() - began >= 0.115


@pytest.mark.parametrize(("headers", "deadline"), [({"retry_after": "2"}, None), ({"retry_after_ms": "400"}, 0.2)])
async def test_a_retry_after_that_does_not_fit_is_the_clients(headers: dict[str, str], deadline: float | None) -> None:
    world = World(ids="a", a=(status(503, **headers), whole()))
    reply = await world.ask(deadline)
    assert (reply.status, world.order) == (503, "a")
    assert headers.items() <= {name.replace("-", "_"): value for name, value in reply.headers.items()}.items()


async def test_one_provider_gets_a_fifth_more_calls_at_most() -> None:
    retries = replace(FAST, most=3, base_seconds=0.0001, budget_per_second=0)
    world = World(replace(CARE, retries=retries), ids="a", a=status(503))
    for _ in range(1000):
        assert (await world.ask()).status == 503
    assert 1190 <= len(world.asked) <= 1200


async def test_a_dead_deployment_is_passed_over_and_then_probed_once() -> None:
    rules = BreakerRules(failures=5, cooldown_seconds=0.1)
    world = World(Care(retries=replace(FAST, most=0), breaker=rules), a=failure("connect", "no"), b=whole())
    for _ in range(20):
        assert (await world.ask()).status == 200
    assert world.order.count("a") == 5
    assert world.traces[-1].attempts == 1
    assert world.traces[-1].attempts_text().startswith("a circuit_open 0; b ok ")
    await asyncio.sleep(0.13)
    world.asked.clear()
    await asyncio.gather(*(world.ask() for _ in range(50)))
    assert world.order.count("a") == 1


async def test_when_all_are_left_alone_the_answer_is_fast_and_says_when() -> None:
    rules = BreakerRules(failures=1, cooldown_seconds=30)
    world = World(Care(retries=replace(FAST, most=0), breaker=rules), a=status(500), b=status(500))
    await world.ask()
    world.asked.clear()
    reply = await world.ask()
    assert (reply.status, code_of(reply), reply.source, reply.attempts) == (503, "circuit_open", "error", 0)
    wait = min(world.upstreams.vitals.of(id).breaker.wait for id in "ab")
    assert wait <= float(reply.headers["retry-after-ms"]) / 1000 <= wait + 0.1
    assert wait <= int(reply.headers["retry-after"]) <= wait + 1.1
    assert world.asked == []


async def test_what_is_the_clients_own_fault_opens_nothing() -> None:
    world = World(Care(breaker=BreakerRules(failures=1)), ids="a", a=Reply.error(422, "no"))
    for _ in range(30):
        assert (await world.ask()).status == 422
    assert world.upstreams.vitals.of("a").state == "closed"
    assert world.upstreams.vitals.of("a").seconds is None, "how fast it refuses says nothing of how fast it answers"


async def test_a_429_with_retry_after_is_obeyed_for_all_calls() -> None:
    world = World(Care(retries=replace(FAST, most=0)), a=(status(429, retry_after_ms="150"), whole()), b=whole())
    for _ in range(3):
        assert (await world.ask()).status == 200
    assert world.order == "abbb"
    await asyncio.sleep(0.17)
    await world.ask()
    assert world.order == "abbba"


async def test_while_all_rest_after_a_429_the_answer_is_one() -> None:
    world = World(Care(retries=replace(FAST, most=0)), a=status(429, retry_after="20"), b=status(429, retry_after="9"))
    first = await world.ask()
    assert (first.status, first.headers["retry-after"]) == (429, "9")
    world.asked.clear()
    reply = await world.ask()
    assert (reply.status, code_of(reply), reply.headers["retry-after"]) == (429, "provider_rate_limited", "9")
    assert [word for _, word, _ in world.traces[-1].tried] == ["rate_limited", "rate_limited"]
    assert world.asked == []


async def test_a_call_that_gives_itself_too_little_time_blames_nobody() -> None:
    async def slow(target: Target) -> Any:
        await asyncio.sleep(target.timeouts.total)
        return failure("timeout", "no", status=504)

    world = World(Care(breaker=BreakerRules(failures=1)), ids="a", a=slow)
    for _ in range(3):
        assert (await world.ask(0.05)).status == 504
    vital = world.upstreams.vitals.of("a")
    assert (vital.state, vital.error_rate, vital.in_flight) == ("closed", 0.0, 0)


async def test_a_time_that_is_over_before_the_first_attempt() -> None:
    world = World(ids="a", a=whole())
    reply = await world.ask(0.0)
    assert (reply.status, code_of(reply), world.asked) == (504, "request_timeout", [])


async def test_a_deadline_never_lengthens_the_total() -> None:
    totals = []

    async def answer(target: Target) -> Any:
        totals.append(target.timeouts.total)
        return whole()

    world = World(ids="a", a=answer)
    await world.ask(100)
    await world.ask(1)
    assert 4.9 < totals[0] <= 5
    assert 0.9 < totals[1] <= 1


def full(wait: float = 0.01) -> Care:
    return replace(CARE, concurrency=Concurrency(calls=1, queue=1, wait_seconds=wait))


async def test_one_that_is_full_is_waited_for_and_then_passed_over() -> None:
    begun, done = asyncio.Event(), asyncio.Event()

    async def slow(target: Target) -> Any:
        begun.set()
        await done.wait()
        return whole()

    world = World(full(0.05), a=slow, b=whole())
    first = asyncio.create_task(world.ask())
    await begun.wait()
    assert (await world.ask()).deployment.id == "b"  # type: ignore[union-attr]
    waiting = asyncio.create_task(world.ask())
    await asyncio.sleep(0.01)
    done.set()
    assert (await waiting).deployment.id == (await first).deployment.id == "a"  # type: ignore[union-attr]


async def test_when_all_are_full_the_client_is_told_to_come_back() -> None:
    world = World(full(), ids="a", a=lambda target: asyncio.sleep(0.1, whole()))
    replies = await asyncio.gather(*(world.ask() for _ in range(4)))
    refused = [reply for reply in replies if reply.status == 503]
    assert len(refused) == 3
    assert {(code_of(reply), reply.headers["retry-after"]) for reply in refused} == {("overloaded", "1")}
    assert (await world.ask()).status == 200, "every place was given back"


async def test_a_prompt_that_is_too_long_goes_to_a_larger_model_only() -> None:
    world = World(ids="abcd", a=LONG, b=LONG, c=whole("small"), d=whole("large"))
    world.known = {"a": Traits(context_tokens=8192), "b": Traits(context_tokens=8192), "d": Traits(context_tokens=1e6)}  # type: ignore[arg-type]
    reply = await world.ask()
    assert (reply.status, world.order) == (200, "ad")
    assert world.upstreams.vitals.of("a").error_rate == 0.0


async def test_a_prompt_that_is_too_long_for_all_is_told_so_in_the_providers_words() -> None:
    world = World(a=LONG, b=LONG)
    world.known = {"b": Traits(context_tokens=16_000)}
    reply = await world.ask()
    assert (reply.status, code_of(reply), reply.source, world.order) == (
        400,
        "context_length_exceeded",
        "provider",
        "ab",
    )
    world = World(a=LONG, b=whole())
    assert ((await world.ask()).status, world.order) == (400, "a")


@pytest.mark.parametrize(("wanted", "order"), [(False, "a"), (True, "ab")])
async def test_a_refusal_for_its_content_goes_on_where_that_is_configured(wanted: bool, order: str) -> None:
    world = World(replace(CARE, retries=replace(FAST, other_on_refusal=wanted)), a=FILTERED, b=whole())
    assert ((await world.ask()).status, world.order) == (200 if wanted else 400, order)


async def test_what_happened_is_noted_attempt_by_attempt() -> None:
    world = World(a=(status(503), failure("reset", "no")), b=(failure("connect", "no"), whole()))
    await world.ask()
    words = [(id, word) for id, word, _ in world.traces[0].tried]
    assert words == [("a", "status_503"), ("b", "connect"), ("a", "reset"), ("b", "ok")]


async def test_an_organizations_own_credential_that_is_refused_is_no_trouble_of_others() -> None:
    world = World(Care(breaker=BreakerRules(failures=1)), ids="a", a=status(401))
    own = replace(world.upstreams, target_for=lambda organization, target: replace(target, owner="acme"))
    upstream = Upstream()
    assert upstream.asked == []
    for _ in range(3):
        await call_provider(make_call(), world.plan, world.targets, own, Trace(), {})
    assert world.upstreams.vitals.of("a", "acme").state == "open"
    assert world.upstreams.vitals.of("a").state == "closed"
