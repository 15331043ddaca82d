"""The simulated model in this process, as a provider."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers import Broke, ProviderError, Target, Timeouts
from cognitude_plugins.gateway.providers.simulated.provider import SimulatedProvider
from hooks import Call, Caller, Deployment, Payload, Reply, read

HELLO: dict[str, Any] = {"model": "echo", "messages": [{"role": "user", "content": "one two three four five six"}]}
DEPLOYMENT = Deployment(id="sim", model="sim", provider="simulated", upstream_model="echo", transport="simulated")


async def ask(
    provider: SimulatedProvider, options: dict[str, Any] | None = None, *, api: Any = "chat", **fields: Any
) -> Reply:
    body = {**HELLO, **fields}
    call = Call(id="1", api=api, caller=Caller(organization="acme"), payload=Payload(value=body, codec=CODEC))
    timeouts = Timeouts(first_token=0.5, between_chunks=0.2, total=0.5)
    target = Target(deployment=DEPLOYMENT, options=options or {}, timeouts=timeouts)
    return await provider.send(call, CODEC.dumps(body), target, {})


async def stop(provider: SimulatedProvider) -> None:
    await provider.stop()
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) == 1


async def test_whole_streamed_and_embedded() -> None:
    provider = SimulatedProvider()
    whole = await read(await ask(provider))
    streamed = await read(await ask(provider, stream=True, stream_options={"include_usage": True}))
    assert whole["choices"][0]["message"]["content"] == "one two three four five six"
    assert streamed["choices"][0]["message"]["content"] == "one two three four five six"
    assert streamed["usage"] == whole["usage"]
    embedded = await read(await ask(provider, api="embeddings", input="x", dimensions=8))
    assert len(embedded["data"][0]["embedding"]) == 8
    assert provider.app_for({}).stats == {"calls": 3, "open": 0, "cancelled": 0}
    await stop(provider)


@pytest.mark.parametrize("api", ["responses", "messages"])
async def test_an_endpoint_it_does_not_have_is_a_404(api: Any) -> None:
    assert (await ask(SimulatedProvider(), api=api)).status == 404


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refuse", "reset"),
        ("503", "status_503"),
        ("500", "status_500"),
        ("408", "status_408"),
        ("429", "status_429"),
        ("429_bare", "status_429"),
        ("wrong_type", "malformed"),
        ("slow_head=3", "timeout"),
        ("stall@0", "timeout"),
        ("reset@0", "reset"),
    ],
)
async def test_a_fault_before_the_first_chunk_is_a_provider_error(fault: str, reason: str, stream: bool) -> None:
    provider = SimulatedProvider()
    with pytest.raises(ProviderError) as caught:
        await ask(provider, {"faults": [fault]}, stream=stream)
    assert (caught.value.reason, caught.value.retryable) == (reason, True)
    if fault.startswith("429"):
        assert caught.value.reply.headers == ({"retry-after": "1", "retry-after-ms": "1000"} if fault == "429" else {})
    await stop(provider)


@pytest.mark.parametrize(("fault", "reason"), [("reset@2", "reset"), ("stall@2", "timeout")])
async def test_a_fault_after_the_first_chunk_breaks_the_stream(fault: str, reason: str) -> None:
    provider = SimulatedProvider()
    reply = await ask(provider, {"faults": [fault]}, stream=True)
    assert reply.chunks is not None
    assert [await anext(reply.chunks) for _ in range(2)]
    with pytest.raises(Broke, match=reason):
        await anext(reply.chunks)
    await stop(provider)


async def test_a_truncated_body_is_malformed_and_too_long_a_prompt_the_clients_fault() -> None:
    provider = SimulatedProvider()
    with pytest.raises(ProviderError, match="malformed"):
        await ask(provider, {"faults": "malformed"})
    reply = await ask(provider, {"faults": "context_length"})
    assert (reply.status, reply.body["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("options", [{}, {"chunk_ms": 1}, {"faults": "endless"}])
async def test_closing_a_stream_is_seen_in_the_stats(options: dict[str, Any]) -> None:
    provider = SimulatedProvider()
    app = provider.app_for(options)
    reply = await ask(provider, options, stream=True)
    assert reply.chunks is not None
    await anext(reply.chunks)
    assert app.stats == {"calls": 1, "open": 1, "cancelled": 0}
    await reply.chunks.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.05)
    assert app.stats == {"calls": 1, "open": 0, "cancelled": 1}
    await stop(provider)


async def test_cancelling_a_call_is_seen_in_the_stats() -> None:
    provider = SimulatedProvider()
    sending = asyncio.ensure_future(ask(provider, {"latency_ms": 400}))
    await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.sleep(0.02)
    assert provider.app_for({"latency_ms": 400}).stats == {"calls": 1, "open": 0, "cancelled": 1}
    await asyncio.gather(sending, return_exceptions=True)
    await stop(provider)


async def test_equal_options_share_an_app_and_its_counts() -> None:
    provider = SimulatedProvider()
    for expected in (503, 503, 200):
        try:
            status = (await ask(provider, {"faults": ["503x2"]})).status
        except ProviderError as error:
            status = error.reply.status
        assert status == expected
    assert provider.app_for({"faults": ["503x2"]}) is not provider.app_for({})


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 40)
    | st.text(max_size=8)
    | st.sampled_from(["user", "echo", "required"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "function", "name"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = [
    "messages",
    "prompt",
    "input",
    "n",
    "max_tokens",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "logprobs",
    "top_logprobs",
    "stream",
    "stream_options",
    "dimensions",
    "encoding_format",
    "echo",
    "parallel_tool_calls",
]


@given(
    st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=8),
    st.sampled_from(["chat", "completions", "embeddings"]),
    st.booleans(),
)
def test_no_request_makes_it_crash(fields: dict[str, Any], api: Any, sound: bool) -> None:
    if sound:
        fields = {**fields, "messages": HELLO["messages"], "prompt": "x", "input": "x"}

    async def run() -> None:
        reply = await ask(SimulatedProvider(), api=api, **fields)
        assert reply.status in (200, 400)
        assert await read(reply)

    asyncio.run(run())


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'latency_ms'"):
        SimulatedProvider().app_for({"latency": 5})
