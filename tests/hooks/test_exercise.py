"""The pipeline in miniature does what the gateway does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from hooks import Call, Deployment, Outcome, Payload, Plan, PluginError, Reply, hookimpl
from hooks.sse import encode
from hooks.testing import chunks_of, completion, exercise, make_call, streamed


class Trail:
    """Writes its name into the call on the way down and into a header on the way up."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    async def pre_request(self, call: Call) -> Call:
        return call.set(trail=[*call.body.get("trail", ()), self.name])

    @hookimpl
    def post_response(self, reply: Reply) -> Reply:
        return replace(reply, headers={**reply.headers, "trail": reply.headers.get("trail", "") + self.name})


class Answers:
    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    @hookimpl
    def pre_request(self) -> Reply:
        return self.reply


class Watches:
    def __init__(self) -> None:
        self.told: list[Outcome] = []
        self.closed_when_told: list[bool] = []
        self.closed: list[bool] = []

    @hookimpl
    def post_response(self, reply: Reply) -> Reply:
        async def watch(outcome: Outcome) -> None:
            self.told.append(outcome)
            self.closed_when_told.append(bool(self.closed))

        return reply.on_complete(watch)


def shout(event: Any) -> Any:
    for choice in event["choices"]:
        part = choice.get("delta") or choice.get("message") or {}
        if part.get("content"):
            return {**event, "choices": [{**choice, "delta": {**part, "content": part["content"].upper()}}]}
    return None


async def test_a_call_goes_down_the_list_and_its_reply_up() -> None:
    done = await exercise(Trail("a"), Trail("b"), call=make_call())
    assert done.call is not None
    assert done.call.body["trail"] == ["a", "b"]
    assert done.reply.headers["trail"] == "ba"
    assert done.reply.source == "provider"
    assert (done.body, done.raw) == (completion(), Payload(value=completion()).raw)
    assert done.outcome.complete
    assert done.outcome.usage is not None


async def test_a_reply_ends_the_way_down_and_every_plugin_sees_it_on_the_way_up() -> None:
    asked: list[Call] = []
    done = await exercise(
        Trail("a"),
        Answers(Reply.json({"cached": True})),
        Trail("b"),
        call=make_call(),
        answer=lambda call: asked.append(call) or Reply(),  # type: ignore[func-returns-value]
    )
    assert asked == []
    assert done.call is None
    assert done.body == {"cached": True}
    assert done.reply.source == "answers"
    assert done.reply.headers["trail"] == "ba"


async def test_the_answer_is_streamed_when_the_call_asks_for_it() -> None:
    done = await exercise(call=make_call().set(stream=True))
    assert done.reply.streamed
    assert done.body["choices"][0]["message"]["content"] == "Hello"
    assert done.raw.endswith(b"data: [DONE]\n\n")


async def test_an_answer_may_depend_on_the_call() -> None:
    done = await exercise(Trail("a"), call=make_call(), answer=lambda call: Reply.json(dict(call.body)))
    assert done.body["trail"] == ["a"]


async def test_a_module_of_hooks_is_a_plugin_too() -> None:
    module = ModuleType("my.plugins.greeter")

    @hookimpl
    def pre_request(call: Call) -> Reply:
        return Reply.json({"hello": call.caller.organization})

    module.pre_request = pre_request  # type: ignore[attr-defined]
    done = await exercise(module, call=make_call())
    assert (done.body, done.reply.source) == ({"hello": "acme"}, "greeter")


async def test_each_watcher_is_told_once_what_was_sent_at_its_place() -> None:
    class Shouts:
        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return reply.map(shout)

    inner, outer = Watches(), Watches()
    done = await exercise(outer, Shouts(), inner, call=make_call(), answer=streamed("hel", "lo"))
    assert [one.body["choices"][0]["message"]["content"] for one in inner.told] == ["hello"]
    assert [one.body["choices"][0]["message"]["content"] for one in outer.told] == ["HELLO"]
    assert done.body["choices"][0]["message"]["content"] == "HELLO"


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_client_that_leaves_closes_the_stream_before_the_watchers_are_told_once(after: int) -> None:
    watches = Watches()

    async def events() -> AsyncIterator[bytes]:
        try:
            for event in chunks_of("a", "b", "c"):
                yield encode(event)
        finally:
            watches.closed.append(True)

    source: Any = events()
    if after == 0:
        await anext(source)
    done = await exercise(watches, call=make_call(), answer=Reply(chunks=source), hang_up_after=after)
    assert watches.closed_when_told == [True]
    assert [(one.complete, one.error) for one in watches.told] == [(False, "client_disconnect")]
    assert done.raw.count(b"\n\n") == after
    assert (done.body is None) == (after == 0)


async def test_a_whole_answer_the_client_did_not_wait_for_was_not_sent() -> None:
    watches = Watches()
    done = await exercise(watches, call=make_call(), hang_up_after=0)
    assert (done.raw, done.body, watches.told[0].body, watches.told[0].complete) == (b"", None, None, False)
    assert (await exercise(call=make_call(), hang_up_after=1)).outcome.complete


async def test_a_client_that_would_leave_later_got_everything() -> None:
    done = await exercise(call=make_call(), answer=streamed("a"), hang_up_after=99)
    assert done.outcome.complete


async def test_a_provider_that_breaks_off_is_told_as_such() -> None:
    watches = Watches()

    async def events() -> AsyncIterator[bytes]:
        yield encode(chunks_of("a")[1])
        raise ConnectionResetError("gone")

    done = await exercise(watches, call=make_call(), answer=Reply(chunks=events()))
    assert (done.outcome.complete, watches.told[0].error) == (False, "provider_error")
    assert done.body["choices"][0]["message"]["content"] == "a"


async def test_a_watcher_is_kept_when_a_later_plugin_writes_another_reply() -> None:
    class Replaces:
        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return Reply.error(451, "No.")

    watches = Watches()
    done = await exercise(Replaces(), watches, call=make_call(), answer=streamed("a"))
    assert (done.reply.status, done.reply.source) == (451, "replaces")
    assert [one.status for one in watches.told] == [451]


async def test_changes_that_keep_state_run_once_for_a_whole_body_however_many_watch() -> None:
    seen: list[Any] = []

    class Counts:
        @hookimpl
        def post_response(self, reply: Reply) -> Reply:
            return reply.on_complete(lambda outcome: None).map(seen.append).on_complete(lambda outcome: None)

    await exercise(Counts(), call=make_call())
    assert len(seen) == 1


def two() -> Plan:
    one = Deployment(id="one", model="sim", provider="p", upstream_model="u", transport="direct")
    return Plan(deployments=(one, replace(one, id="two")))


async def test_routers_narrow_and_reorder_and_their_reasons_reach_the_watchers() -> None:
    class Last:
        @hookimpl
        async def route(self, plan: Plan) -> Plan:
            return plan.rank(lambda one: one.id != "two", why="prefers two")

    done = await exercise(Last(), call=make_call(), plan=two())
    assert [one.id for one in done.plan.deployments] == ["two", "one"]
    assert done.reply.deployment is not None
    assert done.reply.deployment.id == "two"
    assert done.outcome.reasons == ("prefers two",)


async def test_a_plan_left_empty_is_a_503_with_the_reason() -> None:
    class Nothing:
        @hookimpl
        def route(self, plan: Plan) -> Plan:
            return plan.keep(lambda one: False, why="nothing in the EU")

    done = await exercise(Nothing(), call=make_call())
    assert (done.call, done.reply.status, done.reply.source) == (None, 503, "error")
    assert "nothing in the EU" in done.body["error"]["message"]


async def test_a_router_that_adds_a_deployment_is_named() -> None:
    class Adds:
        @hookimpl
        def route(self, plan: Plan) -> Plan:
            return two()

    with pytest.raises(PluginError, match="adds: route added one, two: it may narrow and reorder only"):
        await exercise(Adds(), call=make_call())


async def test_a_dry_run_asks_no_provider() -> None:
    def answer(call: Call) -> Reply:
        raise AssertionError("asked")

    done = await exercise(Trail("a"), call=make_call(dry_run=True), answer=answer)
    assert done.call is not None
    assert done.reply.source == "dry_run"


async def test_what_a_plugin_raises_the_test_sees() -> None:
    class Fails:
        @hookimpl
        async def pre_request(self) -> None:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await exercise(Fails(), call=make_call())


async def test_a_wrong_return_a_misspelt_hook_and_a_wrong_parameter_are_named() -> None:
    class Returns:
        @hookimpl
        def pre_request(self) -> Any:
            return {"model": "x"}

    class Misspells:
        @hookimpl
        def pre_requst(self, call: Call) -> None: ...

    class Invents:
        @hookimpl
        def pre_request(self, call: Call, request: Any) -> None: ...

    class First:
        @hookimpl(tryfirst=True)
        def pre_request(self, call: Call) -> None: ...

    with pytest.raises(
        PluginError, match="returns: pre_request returned dict, the contract says Call or Reply or None"
    ):
        await exercise(Returns(), call=make_call())
    with pytest.raises(PluginError, match="unknown hook 'pre_requst'"):
        await exercise(Misspells(), call=make_call())
    with pytest.raises(PluginError, match="request"):
        await exercise(Invents(), call=make_call())
    with pytest.raises(PluginError, match=r"first: pre_request: the order is that of plugins\.yaml"):
        await exercise(First(), call=make_call())
    with pytest.raises(PluginError, match="Trail is a class; give an instance of it"):
        await exercise(Trail, call=make_call())


async def test_a_stream_that_another_plugin_discards_is_closed() -> None:
    closed: list[bool] = []

    async def events() -> AsyncIterator[bytes]:
        async with aclosing(streamed("a").chunks) as chunks:  # type: ignore[type-var]
            try:
                async for chunk in chunks:  # type: ignore[union-attr]
                    yield chunk
            finally:
                closed.append(True)

    source: Any = events()
    await anext(source)

    class Replaces:
        @hookimpl
        def post_response(self) -> Reply:
            return Reply.json({})

    await exercise(Replaces(), call=make_call(), answer=Reply(chunks=source))
    assert closed == [True]


async def test_a_router_may_answer() -> None:
    class Blind:
        @hookimpl
        def route(self) -> Reply:
            return Reply.error(400, "No model here can see.")

    done = await exercise(Blind(), call=make_call())
    assert (done.reply.status, done.call) == (400, None)
