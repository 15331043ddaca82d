"""LiteLLM itself runs here, so this file takes its import's seconds; respx or real sockets answer it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import inspect
import json
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from cognitude_plugins.gateway.providers.litellm.content import refused_url
from cognitude_plugins.gateway.providers.litellm.parameters import FIELDS, RESERVED_OPTIONS, arguments
from cognitude_plugins.gateway.providers.litellm.provider import LiteLLMProvider
from cognitude_plugins.gateway.providers.provider import Broke, Provider, ProviderError, Target, Timeouts
from hooks import Call, Caller, Deployment, Payload, Reply, Usage, read
from hooks.sse import DONE

# LiteLLM ignores these two itself, with filters that pytest puts aside.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*attribute on the instance is deprecated"),
]

ROOT = Path(__file__).parents[3]
HELLO: dict[str, Any] = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]}
STREAM: dict[str, Any] = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
ANTHROPIC = "https://api.anthropic.com/v1/messages"
CLAUDE = "claude-sonnet-4-5-20250929"


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


def target(name: str = "anthropic/claude-sonnet-4-5", **fields: Any) -> Target:
    kind, model = name.split("/", 1)
    deployment = Deployment(id=model, model=model, provider=kind, upstream_model=model, transport="litellm")
    return Target(deployment=deployment, **{"api_key": "sk-gateway-secret", **fields})


async def send(
    provider: Provider, body: dict[str, Any], to: Target | None = None, *, api: Any = "chat", **headers: str
) -> Reply:
    to = to or target()
    raw = json.dumps({"model": to.deployment.upstream_model, **body}).encode()
    call = Call(id="1", api=api, caller=Caller(organization="acme"), payload=Payload(raw))
    return await provider.send(call, raw, to, headers)


async def events(reply: Reply) -> list[Any]:
    assert reply.chunks is not None
    raw = [chunk async for chunk in reply.chunks]
    assert raw[-1] == DONE
    return [json.loads(chunk.removeprefix(b"data: ")) for chunk in raw[:-1]]


def message(text: str = "Hi", **fields: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 5}
    content = [{"type": "text", "text": text}]
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": CLAUDE, "content": content}
    return {**whole, "stop_reason": "end_turn", "usage": usage, **fields}


def anthropic_events(*blocks: dict[str, Any], stop_reason: str | None = "end_turn") -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"type": "message_start", "message": message(content=[], stop_reason=None)}]
    for index, block in enumerate(blocks):
        start = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        made.append({"type": "content_block_start", "index": index, "content_block": start})
        deltas = (
            [{"type": "text_delta", "text": part} for part in block["text"].split("|")]
            if block["type"] == "text"
            else [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        )
        made += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        made.append({"type": "content_block_stop", "index": index})
    if stop_reason is not None:
        end = {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 5}}
        made += [end, {"type": "message_stop"}]
    return made


def sse(items: list[dict[str, Any]]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (e.get("type", "x").encode(), json.dumps(e).encode()) for e in items)


class TestAnthropic:
    async def test_a_whole_answer_comes_back_in_openai_form(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        reply = await send(
            provider, {**HELLO, "max_tokens": 9}, target(headers={"x-team": "blue"}), traceparent="00-ab"
        )
        assert reply.status == 200
        assert reply.payload is not None
        parsed = ChatCompletion.model_validate_json(reply.payload.raw)
        assert (parsed.object, parsed.model, parsed.choices[0].message.content) == ("chat.completion", CLAUDE, "Hi")
        assert parsed.choices[0].finish_reason == "stop"
        assert Usage.of(reply.body) == Usage(prompt_tokens=14, completion_tokens=5, cached_tokens=4)
        request = route.calls.last.request
        assert request.headers["x-api-key"] == "sk-gateway-secret"
        assert (request.headers["x-team"], request.headers["traceparent"]) == ("blue", "00-ab")
        sent = json.loads(request.content)
        assert sent["system"][0]["text"] == "Be brief."
        assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
        assert (sent["model"], sent["max_tokens"]) == ("claude-sonnet-4-5", 9)

    async def test_a_stream_comes_back_in_openai_form_with_its_usage_last(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        upstream.post(ANTHROPIC).respond(content=sse(anthropic_events({"type": "text", "text": "Hel|lo"})))
        got = await events(await send(provider, STREAM))
        chunks = [ChatCompletionChunk.model_validate(event) for event in got]
        assert {(chunk.object, chunk.model) for chunk in chunks} == {("chat.completion.chunk", CLAUDE)}
        assert [c.choices[0].delta.content for c in chunks[:-1]] == ["Hel", "lo", None]
        assert [c.choices[0].finish_reason for c in chunks[:-1]] == [None, None, "stop"]
        assert chunks[-1].choices == []
        assert Usage.of(got[-1]) == Usage(prompt_tokens=14, completion_tokens=5, cached_tokens=4)
        assert "cost" not in got[-1]["usage"]

    async def test_a_stream_without_include_usage_has_no_usage_event(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        upstream.post(ANTHROPIC).respond(content=sse(anthropic_events({"type": "text", "text": "Hi"})))
        got = await events(await send(provider, {**HELLO, "stream": True}))
        assert all("usage" not in event and event["choices"] for event in got)

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_tools_go_there_and_come_back(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, streamed: bool
    ) -> None:
        use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Graz"}}
        answer = sse(anthropic_events(use, stop_reason="tool_use")) if streamed else None
        route = upstream.post(ANTHROPIC)
        if answer is not None:
            route.respond(content=answer)
        else:
            route.respond(json=message(content=[use], stop_reason="tool_use"))
        function = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
        asked = {**(STREAM if streamed else HELLO), "tools": [{"type": "function", "function": function}]}
        reply = await send(provider, {**asked, "tool_choice": "required"})
        parsed = ChatCompletion.model_validate(await read(reply))
        assert parsed.choices[0].finish_reason == "tool_calls"
        calls = parsed.choices[0].message.tool_calls
        assert calls is not None
        assert calls[0].type == "function"
        assert (calls[0].id, calls[0].function.name) == ("toolu_1", "weather")
        assert json.loads(calls[0].function.arguments) == {"city": "Graz"}
        sent = json.loads(route.calls.last.request.content)
        assert sent["tools"][0]["input_schema"]["properties"] == {"city": {"type": "string"}}
        assert sent["tool_choice"]["type"] == "any"

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_a_text_completion_is_one_too(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, streamed: bool
    ) -> None:
        route = upstream.post(ANTHROPIC)
        if streamed:
            route.respond(content=sse(anthropic_events({"type": "text", "text": "Hel|lo"})))
        else:
            route.respond(json=message("Hello"))
        options = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
        reply = await send(provider, {"prompt": "Say it", "max_tokens": 5, **options}, api="completions")
        body = await read(reply)
        parsed = Completion.model_validate(body)
        assert (parsed.object, parsed.choices[0].text) == ("text_completion", "Hello")
        assert Usage.of(body) == Usage(prompt_tokens=14, completion_tokens=5, cached_tokens=4)

    async def test_a_word_said_two_hundred_times_is_an_answer(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        words = "|".join(["again "] * 200)
        upstream.post(ANTHROPIC).respond(content=sse(anthropic_events({"type": "text", "text": words})))
        body = await read(await send(provider, STREAM))
        assert body["choices"][0]["message"]["content"] == "again " * 200

    async def test_cache_control_in_a_message_is_content_and_stays(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        part = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}}
        await send(provider, {"messages": [{"role": "user", "content": [part]}]})
        sent = json.loads(route.calls.last.request.content)
        assert sent["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}


GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"


def gemini(text: str, **fields: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [{**candidate, **fields}], "modelVersion": "gemini-2.5-flash-001", "responseId": "r1"}


GEMINI_USAGE = {
    "usageMetadata": {
        "promptTokenCount": 7,
        "candidatesTokenCount": 2,
        "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 3,
        "totalTokenCount": 14,
    }
}


class TestGemini:
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_an_answer_comes_back_in_openai_form(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, streamed: bool
    ) -> None:
        last = {**gemini("lo", finishReason="STOP"), **GEMINI_USAGE}
        if streamed:
            lines = b"".join(b"data: %s\r\n\r\n" % json.dumps(event).encode() for event in (gemini("Hel"), last))
            route = upstream.post(f"{GEMINI}:streamGenerateContent", params={"alt": "sse"}).respond(content=lines)
        else:
            route = upstream.post(f"{GEMINI}:generateContent").respond(json=last)
        reply = await send(provider, STREAM if streamed else HELLO, target("gemini/gemini-2.5-flash"))
        body = await read(reply)
        parsed = ChatCompletion.model_validate(body)
        assert parsed.choices[0].message.content == ("Hello" if streamed else "lo")
        assert parsed.model == "gemini-2.5-flash-001"
        expected = Usage(prompt_tokens=7, completion_tokens=7, cached_tokens=3, reasoning_tokens=5)
        assert Usage.of(body) == expected
        request = route.calls.last.request
        assert request.headers["x-goog-api-key"] == "sk-gateway-secret"
        assert "sk-gateway-secret" not in str(request.url)
        sent = json.loads(request.content)
        assert sent["contents"] == [{"role": "user", "parts": [{"text": "Hello"}]}]
        assert sent["system_instruction"] == {"parts": [{"text": "Be brief."}]}

    async def test_a_400_about_the_key_is_the_gateway_s_fault(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        said = {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}
        upstream.post(f"{GEMINI}:generateContent").respond(400, json={"error": said})
        with pytest.raises(ProviderError) as caught:
            await send(provider, HELLO, target("gemini/gemini-2.5-flash"))
        assert caught.value.reply.status == 502
        assert caught.value.reply.body["error"]["code"] == "provider_auth_error"


AZURE = "https://acme.openai.azure.com"


class TestAzure:
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_the_deployment_s_address_its_version_and_its_key_are_used(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, streamed: bool
    ) -> None:
        base = {"id": "c1", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        said = {"role": "assistant", "content": "Hi"}
        route = upstream.post(url__startswith=f"{AZURE}/openai/deployments/mini/chat/completions")
        if streamed:
            made: list[dict[str, Any]] = [
                {"choices": [{"index": 0, "delta": said, "finish_reason": None}]},
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
                {"choices": [], "usage": usage},
            ]
            items = [{**base, "object": "chat.completion.chunk", **event} for event in made]
            content = b"".join(b"data: %s\n\n" % json.dumps(item).encode() for item in items) + DONE
            route.respond(content=content, headers={"content-type": "text/event-stream"})
        else:
            choice = {"index": 0, "message": said, "finish_reason": "stop"}
            route.respond(json={**base, "object": "chat.completion", "choices": [choice], "usage": usage})
        to = target("azure/mini", base_url=AZURE, options={"api_version": "2024-10-21"})
        body = await read(await send(provider, STREAM if streamed else HELLO, to))
        parsed = ChatCompletion.model_validate(body)
        assert (parsed.choices[0].message.content, parsed.model) == ("Hi", "gpt-4o-mini-2024-07-18")
        assert Usage.of(body) == Usage(prompt_tokens=3, completion_tokens=2)
        request = route.calls.last.request
        assert request.url.params["api-version"] == "2024-10-21"
        assert request.headers["api-key"] == "sk-gateway-secret"
        assert json.loads(request.content)["messages"] == HELLO["messages"]

    async def test_its_errors_keep_their_code(self, provider: LiteLLMProvider, upstream: respx.MockRouter) -> None:
        said = {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}
        upstream.post(url__startswith=AZURE).respond(404, json={"error": said})
        to = target("azure/mini", base_url=AZURE, options={"api_version": "2024-10-21"})
        reply = await send(provider, HELLO, to)
        assert reply.status == 404
        assert reply.body["error"] == {"type": "invalid_request_error", "param": None, **said}


def aws_event(kind: str, payload: dict[str, Any]) -> bytes:
    """One message of AWS's event-stream encoding: prelude, headers, payload, with their checksums."""
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    made = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + body
    return made + struct.pack(">I", binascii.crc32(made))


class TestBedrock:
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_the_request_is_signed_and_the_answer_in_openai_form(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, streamed: bool
    ) -> None:
        model = "anthropic.claude-3-5-sonnet-20240620-v1:0"
        usage = {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}
        route = upstream.post(url__startswith="https://bedrock-runtime.eu-west-1.amazonaws.com/model/")
        if streamed:
            route.respond(
                content=aws_event("messageStart", {"role": "assistant"})
                + aws_event("contentBlockDelta", {"delta": {"text": "Hel"}, "contentBlockIndex": 0})
                + aws_event("contentBlockDelta", {"delta": {"text": "lo"}, "contentBlockIndex": 0})
                + aws_event("contentBlockStop", {"contentBlockIndex": 0})
                + aws_event("messageStop", {"stopReason": "end_turn"})
                + aws_event("metadata", {"usage": usage, "metrics": {"latencyMs": 3}})
            )
        else:
            said = {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}
            route.respond(json={"output": said, "stopReason": "end_turn", "usage": usage})
        keys = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "very-secret", "aws_region_name": "eu-west-1"}
        reply = await send(
            provider, STREAM if streamed else HELLO, target(f"bedrock/{model}", api_key=None, options=keys)
        )
        body = await read(reply)
        parsed = ChatCompletion.model_validate(body)
        assert parsed.choices[0].message.content == "Hello"
        assert Usage.of(body) == Usage(prompt_tokens=10, completion_tokens=2)
        request = route.calls.last.request
        assert request.url.path.endswith("/converse-stream" if streamed else "/converse")
        signature = dict(request.headers.raw)[b"Authorization"].decode()
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIA1/")
        assert "/eu-west-1/bedrock/aws4_request" in signature
        sent = json.loads(request.content)
        assert sent["messages"] == [{"role": "user", "content": [{"text": "Hello"}]}]
        assert sent["system"] == [{"text": "Be brief."}]
        assert b"very-secret" not in request.content


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
async def test_embeddings_come_in_the_encoding_that_was_asked_for(
    provider: LiteLLMProvider, upstream: respx.MockRouter, encoding: str | None
) -> None:
    answer = {
        "id": "x",
        "embeddings": {"float": [[0.5, 0.25]]},
        "texts": ["a"],
        "meta": {"billed_units": {"input_tokens": 3}},
    }
    route = upstream.post("https://api.cohere.ai/v2/embed").respond(json=answer)
    body = {"input": ["a"], **({"encoding_format": encoding} if encoding else {})}
    reply = await send(provider, body, target("cohere/embed-english-v3.0"), api="embeddings")
    assert reply.payload is not None
    got = json.loads(reply.payload.raw)
    if encoding == "base64":
        assert struct.unpack("<2f", base64.b64decode(got["data"][0]["embedding"])) == (0.5, 0.25)
    else:
        assert CreateEmbeddingResponse.model_validate(got).data[0].embedding == [0.5, 0.25]
    assert (got["object"], got["usage"]["prompt_tokens"]) == ("list", 3)
    assert json.loads(route.calls.last.request.content)["texts"] == ["a"]


async def test_an_api_that_litellm_is_not_used_for_is_refused(provider: LiteLLMProvider) -> None:
    reply = await send(provider, {"input": "x"}, api="responses")
    assert (reply.status, reply.body["error"]["code"]) == (404, "unsupported_api")


def evil(names: set[str]) -> dict[str, Any]:
    """A body that sets every control there is, in the body itself and in the places LiteLLM reads them from."""
    bad: dict[str, Any] = dict.fromkeys(names, "https://evil.example")
    bad |= {
        "mock_response": "owned",
        "fallbacks": [{"model": "openai/gpt-4o", "api_base": "https://evil.example"}],
        "num_retries": 9,
        "extra_headers": {"x-evil": "1"},
        "model_list": [{"model_name": "x", "litellm_params": {"api_base": "https://evil.example"}}],
        "custom_llm_provider": "openai",
        "litellm_credential_name": "other",
        "callbacks": ["langfuse"],
        "caching": True,
    }
    return {**bad, "metadata": dict(bad), "extra_body": dict(bad), "litellm_metadata": dict(bad), **HELLO}


class TestWhatARequestCanSteer:
    async def test_no_control_in_a_body_reaches_litellm(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        await send(provider, HELLO)
        litellm = sys.modules["litellm"]
        types = sys.modules["litellm.types.utils"]
        known = {*inspect.signature(litellm.acompletion).parameters, *inspect.signature(litellm.completion).parameters}
        known |= set(types.all_litellm_params)
        hostile = evil(
            (known | {"user_url_allowed_hosts", "aws_region_name", "vertex_project"})
            - set(FIELDS["chat"])
            - {"model", "stream"}
        )
        given = arguments("chat", hostile, target(), {})
        ours = {"model", "num_retries", "max_retries", "timeout", "caching", "_skip_mcp_handler", "api_key", "messages"}
        assert set(given) == ours
        assert "evil" not in repr(given)
        assert (given["num_retries"], given["max_retries"], given["caching"]) == (0, 0, False)
        reply = await send(provider, hostile)
        assert reply.body["choices"][0]["message"]["content"] == "Hi"
        request = route.calls.last.request
        assert b"evil" not in request.content
        assert "evil" not in str(request.headers.raw)
        assert request.content == route.calls[0].request.content
        assert {call.request.url.host for call in upstream.calls} == {"api.anthropic.com"}

    @pytest.mark.parametrize("api", ["completions", "embeddings"])
    async def test_nor_one_of_the_other_apis(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, api: str
    ) -> None:
        upstream.post(ANTHROPIC).respond(json=message())
        answer = {
            "id": "x",
            "embeddings": {"float": [[0.5]]},
            "texts": ["a"],
            "meta": {"billed_units": {"input_tokens": 3}},
        }
        upstream.post("https://api.cohere.ai/v2/embed").respond(json=answer)
        wanted = {"prompt": "x"} if api == "completions" else {"input": ["x"]}
        to = target() if api == "completions" else target("cohere/embed-english-v3.0")
        controls = {"api_base", "base_url", "api_key", "api_type", "client", "logger_fn", "model_list"}
        given = arguments(api, {**evil(controls), **wanted}, to, {})
        assert "evil" not in repr(given)
        reply = await send(provider, {**evil(controls), **wanted}, to, api=api)
        assert reply.status == 200
        assert "evil" not in repr([(call.request.headers.raw, call.request.content) for call in upstream.calls])

    @pytest.mark.parametrize("name", ["https://evil.example/x", "../../admin", "a\r\nx: y", "x\x00", 5, ["a"]])
    async def test_a_model_s_name_is_no_address(self, provider: LiteLLMProvider, name: Any) -> None:
        reply = await send(provider, {**HELLO, "model": name})
        assert (reply.status, reply.body["error"]["code"]) == (400, "invalid_value")

    @pytest.mark.parametrize("name", ["bedrock/claude", "openai/gpt-4o", "azure/command-r-plus", "anthropic"])
    async def test_a_model_s_name_chooses_no_other_provider(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, name: str
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        await send(provider, {**HELLO, "model": name})
        assert route.called

    async def test_an_option_of_the_operator_s_wins_over_the_request(self) -> None:
        given = arguments("chat", {**HELLO, "temperature": 2}, target(options={"temperature": 0, "fetch_urls": True}))
        assert given["temperature"] == 0
        assert "fetch_urls" not in given

    @pytest.mark.parametrize("option", sorted(RESERVED_OPTIONS))
    async def test_an_option_that_is_the_gateway_s_is_refused_by_name(
        self, provider: LiteLLMProvider, option: str
    ) -> None:
        with pytest.raises(ProviderError, match="options") as caught:
            await send(provider, HELLO, target(options={option: 1}))
        assert option in caught.value.reply.body["error"]["message"]

    async def test_a_tool_that_names_litellm_s_own_mcp_gateway_is_not_run_here(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        tool = {"type": "mcp", "server_label": "x", "server_url": "https://mcp.example/mcp/x"}
        await send(provider, {**HELLO, "tools": [tool]})
        assert [call.request.url.host for call in upstream.calls] == ["api.anthropic.com"]
        assert json.loads(route.calls.last.request.content)["mcp_servers"][0]["url"] == "https://mcp.example/mcp/x"

    async def test_a_redirect_is_not_followed_with_the_key(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        upstream.post(ANTHROPIC).respond(307, headers={"location": "https://evil.example/v1/messages"})
        elsewhere = upstream.post(url__startswith="https://evil.example").respond(json=message())
        upstream.post(url__startswith=AZURE).respond(308, headers={"location": "https://evil.example/"})
        for to in (target(), target("azure/mini", base_url=AZURE, options={"api_version": "2024-10-21"})):
            with pytest.raises(ProviderError) as caught:
                await send(provider, HELLO, to)
            assert caught.value.reply.status == 502
        assert not elsewhere.called


PARTS: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": "{}"}},
    {"type": "image_url", "image_url": "{}"},
    {"type": "file", "file": {"file_data": "{}"}},
    {"type": "file", "file": {"file_id": "{}"}},
    {"type": "video_url", "video_url": {"url": "{}"}},
    {"type": "image", "source": {"type": "url", "url": "{}"}},
    {"type": "document", "source": {"type": "url", "somewhere": "{}"}},
    {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image_url", "image_url": {"url": "{}"}}]},
]
ELSEWHERE = [
    "http://127.0.0.1:{port}/x",
    "HTTP://127.0.0.1:{port}/x",
    " http://127.0.0.1:{port}/x",
    "\thttps://127.0.0.1:{port}/x",
    "http:\\\\127.0.0.1:{port}/x",
    "http://2130706433:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "gs://bucket/object.png",
    "s3://bucket/object.png",
    "file:///etc/passwd",
]


def filled(part: Any, url: str) -> Any:
    if isinstance(part, dict):
        return {key: filled(value, url) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, url) for value in part]
    return url if part == "{}" else part


class TestUrlsInContent:
    @pytest.mark.parametrize("part", PARTS, ids=lambda part: "-".join(part))
    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_content_that_points_elsewhere_is_found(self, part: dict[str, Any], url: str) -> None:
        content = [{"type": "text", "text": "Look"}, filled(part, url.format(port=80))]
        for body in ({"messages": [{"role": "user", "content": content}]}, {"input": content}):
            found = refused_url(body)
            assert found is not None
            assert found.startswith(("messages[0].content[1]", "input[1]"))

    @pytest.mark.parametrize(
        "content",
        [
            "See https://example.com/x and gs://bucket",
            [{"type": "text", "text": "https://example.com/x.png"}],
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}],
            [{"type": "file", "file": {"file_id": "file-abc123"}}],
            [{"type": "file", "file": {"file_data": "/9j/4AAQSkZJRg=="}}],
            [{"type": "tool_use", "id": "1", "name": "fetch", "input": {"url": "https://example.com"}}],
            [{"type": "tool_result", "tool_use_id": "1", "content": "https://example.com"}],
            None,
        ],
    )
    def test_text_and_inline_content_pass(self, content: Any) -> None:
        arguments_of_a_call = {"name": "fetch", "arguments": '{"url": "https://example.com"}'}
        calls = [{"id": "1", "type": "function", "function": arguments_of_a_call}]
        cited = [{"type": "url_citation", "url_citation": {"url": "https://example.com"}}]
        assistant = {"role": "assistant", "content": content, "tool_calls": calls, "annotations": cited}
        assert refused_url({"messages": [{"role": "user", "content": content}, assistant]}) is None

    def test_nesting_of_any_depth_is_walked(self) -> None:
        value: Any = {"url": "http://x"}
        for _ in range(20_000):
            value = [{"part": value}]
        assert refused_url({"messages": [{"role": "user", "content": value}]}) is not None

    @pytest.mark.parametrize(
        "to",
        ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0"],
    )
    async def test_a_refused_url_opens_no_connection(self, provider: LiteLLMProvider, to: str) -> None:
        async with listening(answer(message())) as (port, seen):
            for url in ELSEWHERE[:-3]:
                part = {"type": "image_url", "image_url": {"url": url.format(port=port)}}
                reply = await send(provider, {"messages": [{"role": "user", "content": [part]}]}, target(to))
                assert (reply.status, reply.body["error"]["code"]) == (400, "url_not_allowed")
                assert reply.body["error"]["param"] == "messages[0].content[0].image_url.url"
        assert seen == []

    async def test_an_operator_can_allow_urls(self, provider: LiteLLMProvider, upstream: respx.MockRouter) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        part = {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}
        body = {"messages": [{"role": "user", "content": [part]}]}
        assert (await send(provider, body, target(options={"fetch_urls": True}))).status == 200
        source = json.loads(route.calls.last.request.content)["messages"][0]["content"][0]["source"]
        assert source == {"type": "url", "url": "https://example.com/x.png"}


class TestErrors:
    @pytest.mark.parametrize("status", [400, 404, 413, 422])
    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    async def test_what_is_the_client_s_fault_is_an_answer(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, status: int, body: dict[str, Any]
    ) -> None:
        said = {"type": "error", "error": {"type": "invalid_request_error", "message": "no: sk-gateway-secret"}}
        upstream.post(ANTHROPIC).respond(status, json=said)
        reply = await send(provider, body)
        assert reply.status == status
        assert reply.body["error"] == {
            "message": "no: ***",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_credential_is_not_the_client_s(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, status: int
    ) -> None:
        upstream.post(ANTHROPIC).respond(status, json={"error": {"message": "invalid x-api-key sk-gateway-secret"}})
        with pytest.raises(ProviderError) as caught:
            await send(provider, HELLO)
        assert (caught.value.reason, caught.value.retryable) == (f"status_{status}", True)
        assert (caught.value.reply.status, caught.value.reply.headers["x-should-retry"]) == (502, "false")
        assert caught.value.reply.body["error"]["code"] == "provider_auth_error"
        assert "sk-gateway-secret" not in repr(caught.value.reply.body)

    @pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    async def test_what_another_deployment_may_answer_is_retryable_and_sent_once(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, status: int, body: dict[str, Any]
    ) -> None:
        said = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}
        route = upstream.post(ANTHROPIC).respond(status, json=said, headers={"retry-after": "7"})
        with pytest.raises(ProviderError) as caught:
            await send(provider, body)
        assert (caught.value.reason, caught.value.retryable) == (f"status_{status}", True)
        assert (caught.value.reply.status, caught.value.reply.headers["retry-after"]) == (status, "7")
        assert caught.value.reply.body["error"]["message"] == "Busy"
        assert route.call_count == 1

    @pytest.mark.parametrize(
        ("error", "reason", "status"),
        [
            (httpx.ConnectError("no route to 10.0.0.1"), "connect", 502),
            (httpx.ConnectTimeout("x"), "timeout", 504),
            (httpx.ReadTimeout("x"), "timeout", 504),
            (httpx.ReadError("x"), "reset", 502),
            (httpx.RemoteProtocolError("x"), "reset", 502),
        ],
    )
    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    @pytest.mark.parametrize("to", [target(), target("azure/mini", base_url=AZURE, options={"api_version": "1"})])
    async def test_a_connection_that_fails_is_retryable_and_tried_once(
        self,
        provider: LiteLLMProvider,
        upstream: respx.MockRouter,
        error: Exception,
        reason: str,
        status: int,
        body: dict[str, Any],
        to: Target,
    ) -> None:
        route = upstream.post(url__regex=".*").mock(side_effect=error)
        with pytest.raises(ProviderError) as caught:
            await send(provider, body, to)
        assert (caught.value.reason, caught.value.reply.status) == (reason, status)
        assert caught.value.retryable
        assert "10.0.0.1" not in repr(caught.value.reply.body)
        assert route.call_count == 1

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ("prompt is too long: 210000 tokens > 200000 maximum", "context_length_exceeded"),
            ("Output blocked by content filtering policy", "content_policy_violation"),
        ],
    )
    async def test_known_causes_have_openai_s_code(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, said: str, code: str
    ) -> None:
        error = {"type": "invalid_request_error", "message": said}
        upstream.post(ANTHROPIC).respond(400, json={"type": "error", "error": error})
        reply = await send(provider, HELLO)
        assert reply.status == 400
        assert (reply.body["error"]["code"], reply.body["error"]["message"]) == (code, said)

    async def test_a_field_the_provider_does_not_know_is_refused_in_plain_words(
        self, provider: LiteLLMProvider
    ) -> None:
        reply = await send(provider, {**HELLO, "logit_bias": {"1": 2}})
        assert reply.status == 400
        said = reply.body["error"]["message"]
        assert "logit_bias" in said
        assert "litellm" not in said.lower()

    async def test_an_operator_can_have_it_dropped_instead(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        route = upstream.post(ANTHROPIC).respond(json=message())
        await send(provider, {**HELLO, "logit_bias": {"1": 2}}, target(options={"drop_params": True}))
        assert "logit_bias" not in json.loads(route.calls.last.request.content)

    @pytest.mark.parametrize(
        "field",
        [
            {"messages": [{"role": "user", "content": 5}]},
            {"messages": [{"role": "user", "content": [5]}]},
            {"messages": "x"},
            {"messages": [[]]},
            {"messages": []},
            {"tools": [{}]},
            {"tools": {"a": 1}},
            {"response_format": "json"},
        ],
        ids=str,
    )
    async def test_a_body_that_cannot_be_translated_is_the_client_s_fault(
        self, provider: LiteLLMProvider, field: dict[str, Any]
    ) -> None:
        assert (await send(provider, {**HELLO, **field})).status == 400

    @pytest.mark.parametrize("content", [b"<html>", b"{", b"[]", b'{"content": 5}'])
    async def test_an_answer_that_is_none_is_malformed(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, content: bytes
    ) -> None:
        upstream.post(ANTHROPIC).respond(200, content=content)
        with pytest.raises(ProviderError) as caught:
            await send(provider, HELLO)
        assert (caught.value.reason, caught.value.reply.status) == ("malformed", 502)
        assert "html" not in repr(caught.value.reply.body)

    async def test_a_provider_that_litellm_does_not_know_is_named(self, provider: LiteLLMProvider) -> None:
        with pytest.raises(ProviderError) as caught:
            await send(provider, HELLO, target("nonesuch/model"))
        assert "'nonesuch'" in caught.value.reply.body["error"]["message"]

    async def test_an_error_event_before_the_first_word_is_an_attempt_that_failed(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter
    ) -> None:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        upstream.post(ANTHROPIC).respond(content=sse([error]))
        with pytest.raises(ProviderError) as caught:
            await send(provider, STREAM)
        assert caught.value.retryable
        assert caught.value.reply.body["error"]["message"] == "Overloaded"

    @pytest.mark.parametrize(
        ("tail", "reason"),
        [
            ([], "truncated"),
            ([{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}], "status_"),
        ],
    )
    async def test_a_stream_that_ends_early_is_broken(
        self, provider: LiteLLMProvider, upstream: respx.MockRouter, tail: list[dict[str, Any]], reason: str
    ) -> None:
        made = anthropic_events({"type": "text", "text": "Hel|lo"}, stop_reason=None)
        upstream.post(ANTHROPIC).respond(content=sse([*made, *tail]))
        reply = await send(provider, STREAM)
        assert reply.chunks is not None
        got: list[bytes] = []
        with pytest.raises(Broke, match=reason):
            await _collect(reply.chunks, got)
        assert b'"Hel"' in got[0]
        assert not any(b'"stop"' in chunk for chunk in got)


async def _collect(chunks: AsyncIterator[bytes], into: list[bytes]) -> None:
    async for chunk in chunks:
        into.append(chunk)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[tuple[int, list[str]]]:
    """A server of one request per connection; ``seen`` gets ``open`` for each, ``closed`` when the peer closed it."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append("open")
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"content-length" in line.lower())
            await reader.readexactly(length)
            await handler(reader, writer)
            if await reader.read() == b"":
                seen.append("closed")
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()


def answer(body: dict[str, Any]) -> Handler:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = json.dumps(body).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw
        )

    return handle


def begin(content: bytes, kind: bytes = b"text/event-stream") -> Handler:
    """Sends the head and the first bytes of a stream, then nothing."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n" % kind)
        writer.write(b"%x\r\n%s\r\n" % (len(content), content))

    return handle


async def silence(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return


async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def within_a_second(seen: list[str], word: str) -> None:
    async with asyncio.timeout(1):
        while word not in seen:
            await asyncio.sleep(0.01)


ONE_WORD = sse(anthropic_events({"type": "text", "text": "Hello"}, stop_reason=None))
AZURE_WORD = (
    b"data: %s\n\n"
    % json.dumps(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}],
        }
    ).encode()
)
STREAMS = [
    ("anthropic/claude-sonnet-4-5", ONE_WORD, {}),
    ("gemini/gemini-2.5-flash", b"data: %s\r\n\r\n" % json.dumps(gemini("Hello")).encode(), {}),
    ("azure/mini", AZURE_WORD, {"api_version": "2024-10-21"}),
    (
        "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
        aws_event("contentBlockDelta", {"delta": {"text": "Hello"}, "contentBlockIndex": 0}),
        {"aws_access_key_id": "A", "aws_secret_access_key": "B", "aws_region_name": "eu-west-1"},
    ),
]


class TestHangingUp:
    @pytest.mark.parametrize(("name", "content", "options"), STREAMS, ids=[stream[0] for stream in STREAMS])
    @pytest.mark.parametrize("taken", [0, 1])
    async def test_closing_the_chunks_closes_the_upstream(
        self, provider: LiteLLMProvider, name: str, content: bytes, options: dict[str, Any], taken: int
    ) -> None:
        async with listening(begin(content)) as (port, seen):
            to = target(name, base_url=f"http://127.0.0.1:{port}", options=options)
            reply = await send(provider, STREAM, to)
            chunks: Any = reply.chunks
            for _ in range(taken):
                assert b"Hello" in await anext(chunks)
            assert seen == ["open"]
            await chunks.aclose()
            await within_a_second(seen, "closed")
            with pytest.raises(StopAsyncIteration):
                await anext(chunks)

    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    async def test_cancelling_a_send_closes_the_upstream(self, provider: LiteLLMProvider, body: dict[str, Any]) -> None:
        async with listening(silence) as (port, seen):
            task = asyncio.create_task(send(provider, body, target(base_url=f"http://127.0.0.1:{port}")))
            async with asyncio.timeout(10):
                while not seen:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await within_a_second(seen, "closed")

    async def test_cancelling_a_reader_and_closing_closes_the_upstream(self, provider: LiteLLMProvider) -> None:
        async with listening(begin(ONE_WORD)) as (port, seen):
            reply = await send(provider, STREAM, target(base_url=f"http://127.0.0.1:{port}"))
            chunks: Any = reply.chunks
            await anext(chunks)
            waiting = asyncio.create_task(anext(chunks))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await chunks.aclose()
            await within_a_second(seen, "closed")

    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    async def test_silence_ends_in_a_timeout_that_closes_the_upstream(
        self, provider: LiteLLMProvider, body: dict[str, Any]
    ) -> None:
        await send(provider, {**HELLO, "messages": []})
        async with listening(silence) as (port, seen):
            timeouts = Timeouts(first_token=0.2, total=0.2)
            began = time.monotonic()
            with pytest.raises(ProviderError) as caught:
                await send(provider, body, target(base_url=f"http://127.0.0.1:{port}", timeouts=timeouts))
            assert (caught.value.reason, caught.value.reply.status) == ("timeout", 504)
            assert time.monotonic() - began < 1.5
            await within_a_second(seen, "closed")

    async def test_silence_between_chunks_breaks_the_stream_and_closes_it(self, provider: LiteLLMProvider) -> None:
        async with listening(begin(ONE_WORD)) as (port, seen):
            timeouts = Timeouts(between_chunks=0.2)
            reply = await send(provider, STREAM, target(base_url=f"http://127.0.0.1:{port}", timeouts=timeouts))
            with pytest.raises(Broke, match="timeout"):
                await events(reply)
            await within_a_second(seen, "closed")

    @pytest.mark.parametrize("body", [HELLO, STREAM], ids=["whole", "streamed"])
    async def test_a_connection_cut_before_the_answer_is_not_asked_again(
        self, provider: LiteLLMProvider, body: dict[str, Any]
    ) -> None:
        async with listening(cut) as (port, seen):
            with pytest.raises(ProviderError) as caught:
                await send(provider, body, target(base_url=f"http://127.0.0.1:{port}"))
            assert caught.value.reason == "reset"
            assert seen.count("open") == 1

    async def test_a_connection_cut_in_the_answer_breaks_the_stream(self, provider: LiteLLMProvider) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await begin(ONE_WORD)(reader, writer)
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.transport.abort()

        async with listening(handle) as (port, _):
            reply = await send(provider, STREAM, target(base_url=f"http://127.0.0.1:{port}"))
            with pytest.raises(Broke, match="reset"):
                await events(reply)

    async def test_a_connection_is_kept_for_the_next_call(self, provider: LiteLLMProvider) -> None:
        connections = 0

        async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")
                )
                await reader.readexactly(length)
                await answer(message())(reader, writer)
                if not connections:
                    break

        server = await asyncio.start_server(_until_closed(keep), "127.0.0.1", 0)
        to = target(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for _ in range(3):
            assert (await send(provider, HELLO, to)).status == 200
        assert connections == 1
        server.close()


def _until_closed(handler: Handler) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            # Also when the loop ends first: what is found unclosed later is some other test's failure.
            writer.close()

    return handle


PRELUDE = """
import asyncio, gc, json, os, socket, sys, time
def refuse(*a, **k): raise AssertionError('the network was touched')
socket.getaddrinfo = refuse
from cognitude_plugins.gateway.providers.litellm import loading
from cognitude_plugins.gateway.providers.litellm.provider import LiteLLMProvider
from cognitude_plugins.gateway.providers.provider import ProviderError, Target
from hooks import Call, Caller, Deployment, Payload
assert 'litellm' not in sys.modules and 'httpx' not in sys.modules
"""


def fresh(code: str, *, folder: Path | None = None, path: str = str(ROOT)) -> str:
    """What ``code`` prints in a new process that can reach no network; it may write nothing to stderr."""
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(code) + "\nasyncio.run(main())\n"]
    environment = {"PATH": "/usr/bin", "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestTheImport:
    def test_several_first_calls_import_once_and_quietly_without_network_or_env_file(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("FROM_ENV_FILE=1\n")
        out = fresh(
            """
            real, times = loading.load, []
            def load(proxy):
                times.append(1)
                return real(proxy)
            loading.load = load
            async def main():
                loader = loading.Loader()
                first = asyncio.create_task(loader.get())
                await asyncio.sleep(0.05)
                first.cancel()
                a, b, c = await asyncio.gather(*(loader.get() for _ in range(3)))
                assert a is b is c and first.cancelled()
                await loader.stop()
                litellm = a.litellm
                print(len(times), gc.isenabled(), 'FROM_ENV_FILE' in os.environ, litellm.cache)
                print(litellm.callbacks, litellm.success_callback, litellm.failure_callback)
            """,
            folder=tmp_path,
        )
        assert out == "1 True False None\n[] [] []\n"

    def test_the_loop_goes_on_while_it_lasts(self) -> None:
        """Unassisted its worst stall is a full garbage collection's, 100 to 200 ms; a busy machine adds its own."""
        out = fresh(
            """
            async def main():
                gaps = []
                async def tick():
                    last = time.perf_counter()
                    while True:
                        await asyncio.sleep(0.001)
                        now = time.perf_counter()
                        gaps.append(now - last)
                        last = now
                ticking = asyncio.create_task(tick())
                provider = LiteLLMProvider(warm=True)
                began = time.perf_counter()
                await provider.start()
                started = time.perf_counter() - began
                await provider._loader.get()
                ticking.cancel()
                print(json.dumps([started, max(gaps), time.perf_counter() - began]))
                await provider.stop()
            """
        )
        started, stall, took = json.loads(out)
        assert started < 0.05
        assert stall < max(0.25, took / 8)

    def test_a_failing_import_is_told_clearly_and_not_repeated(self, tmp_path: Path) -> None:
        package = tmp_path / "litellm"
        package.mkdir()
        (package / "__init__.py").write_text("print('tried')\nraise ImportError('no certifi in /root/secret')\n")
        out = fresh(
            """
            async def main():
                fields = dict(id='m', model='m', provider='anthropic', upstream_model='m', transport='litellm')
                call = Call(id='1', api='chat', caller=Caller(organization='a'), payload=Payload(b'{}'))
                provider = LiteLLMProvider(warm=True)
                await provider.start()
                for _ in range(2):
                    try:
                        await provider.send(call, b'{}', Target(deployment=Deployment(**fields)), {})
                    except ProviderError as error:
                        print(error.reason, error.reply.status, error.reply.body['error']['message'])
                await provider.stop()
            """,
            path=f"{tmp_path}:{ROOT}",
        )
        said = "litellm_import 500 the gateway's LiteLLM cannot be imported (ImportError)\n"
        assert out == "tried\n" + said * 2

    async def test_requests_of_others_in_this_process_go_the_way_they_went(self, provider: LiteLLMProvider) -> None:
        await send(provider, {**HELLO, "messages": []})
        handler = sys.modules["litellm.llms.custom_httpx.http_handler"].AsyncHTTPHandler()
        async with listening(answer({"ok": True})) as (port, _):
            reply = await handler.post(f"http://127.0.0.1:{port}/x", json={"a": 1})
            assert reply.json() == {"ok": True}
        await handler.close()
