"""What LiteLLM makes of each provider's usage, whole and streamed, and what the gateway reads in that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import respx

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.litellm.provider import LiteLLMProvider
from cognitude_plugins.gateway.providers.provider import Target
from cognitude_plugins.gateway.usage_filter import UsageFilter
from hooks import Call, Caller, Deployment, Payload, Usage

# LiteLLM ignores these two itself, with filters that pytest puts aside.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*attribute on the instance is deprecated"),
]


@pytest.fixture
async def provider() -> AsyncIterator[LiteLLMProvider]:
    made = LiteLLMProvider()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def upstream() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def usage_of(provider: LiteLLMProvider, name: str, *, stream: bool) -> Usage | None:
    """Sends a call and reads the usage as the responder does."""
    kind, model = name.split("/", 1)
    deployment = Deployment(id=model, model=model, provider=kind, upstream_model=model, transport="litellm")
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    raw = json.dumps(body).encode()
    call = Call(id="1", api="chat", caller=Caller(organization="acme"), payload=Payload(raw))
    reply = await provider.send(call, raw, Target(deployment=deployment, api_key="sk-not-a-key"), {})
    if reply.chunks is None:
        return Usage.of(reply.body)
    filtering = UsageFilter(CODEC, strip=False)
    async for chunk in reply.chunks:
        filtering.feed(chunk)
    return filtering.usage


def events(*values: Any, named: bool = False) -> str:
    return "".join((f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n" for one in values)


ANTHROPIC = {
    "input_tokens": 75,
    "cache_creation_input_tokens": 1028,
    "cache_read_input_tokens": 20_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1028},
    "output_tokens": 503,
    "service_tier": "standard",
}


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropic_s_prompt_has_its_cached_tokens(
    provider: LiteLLMProvider, upstream: respx.MockRouter, stream: bool
) -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    if stream:
        text = events(
            {"type": "message_start", "message": {**message, "usage": {**ANTHROPIC, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 503}},
            {"type": "message_stop"},
            named=True,
        )
        upstream.route().respond(text=text, headers={"content-type": "text/event-stream"})
    else:
        said = {"content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "usage": ANTHROPIC}
        upstream.route().respond(json={**message, **said})
    assert await usage_of(provider, "anthropic/claude-sonnet-4-5", stream=stream) == Usage(
        prompt_tokens=21_103,
        completion_tokens=503,
        cached_tokens=20_000,
        cache_write_tokens=1028,
        apart=("cache_write_1h",),
    )


GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 600,
    "candidatesTokenCount": 10,
    "thoughtsTokenCount": 90,
    "totalTokenCount": 1100,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 742}, {"modality": "IMAGE", "tokenCount": 258}],
}


@pytest.mark.parametrize("stream", [False, True])
async def test_gemini_s_thoughts_are_part_of_its_completion(
    provider: LiteLLMProvider, upstream: respx.MockRouter, stream: bool
) -> None:
    said = {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": GEMINI,
    }
    if stream:
        upstream.route().respond(text=events(said), headers={"content-type": "text/event-stream"})
    else:
        upstream.route().respond(json=said)
    assert await usage_of(provider, "gemini/gemini-2.5-pro", stream=stream) == Usage(
        prompt_tokens=1000, completion_tokens=100, cached_tokens=600, reasoning_tokens=90, apart=("image",)
    )


COMPATIBLE = {
    "xai/grok-4.3": (
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        Usage(prompt_tokens=32, completion_tokens=103, cached_tokens=6, reasoning_tokens=94),
    ),
    "deepseek/deepseek-chat": (
        {
            "prompt_tokens": 1000,
            "completion_tokens": 250,
            "total_tokens": 1250,
            "prompt_cache_hit_tokens": 896,
            "prompt_cache_miss_tokens": 104,
        },
        Usage(prompt_tokens=1000, completion_tokens=250, cached_tokens=896),
    ),
    "groq/openai/gpt-oss-120b": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 45,
            "total_tokens": 145,
            "prompt_tokens_details": {"cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        Usage(prompt_tokens=100, completion_tokens=45, cached_tokens=64, reasoning_tokens=20),
    ),
    "mistral/mistral-large-latest": (
        {"prompt_tokens": 12, "completion_tokens": 8, "total_tokens": 20},
        Usage(prompt_tokens=12, completion_tokens=8),
    ),
}


@pytest.mark.parametrize("name", COMPATIBLE)
@pytest.mark.parametrize("stream", [False, True])
async def test_openai_compatible_usage_passes_as_it_is(
    provider: LiteLLMProvider, upstream: respx.MockRouter, name: str, stream: bool
) -> None:
    usage, expected = COMPATIBLE[name]
    base = {"id": "c", "created": 1, "model": name.partition("/")[2], "service_tier": "on_demand"}
    if stream:
        chunk = {**base, "object": "chat.completion.chunk"}
        text = events(
            {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}}]},
            {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {**chunk, "choices": [], "usage": usage},
        )
        upstream.route().respond(text=text + "data: [DONE]\n\n", headers={"content-type": "text/event-stream"})
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        upstream.route().respond(json={**base, "object": "chat.completion", "choices": [choice], "usage": usage})
    assert await usage_of(provider, name, stream=stream) == expected
