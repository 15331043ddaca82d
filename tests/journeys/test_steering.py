"""Whatever a request says, the configured provider is called with the configured key, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.recorder import Received, Recorder, answer, recording
from tests.journeys.wire import CHAT, HELLO, ask, head, post
from tests.processes import KEY, Running, gateway

PROVIDER_KEY = "sk-of-the-configuration-0123456789"
CONFIG = """
gateway:
  breaker: {{enabled: false}}
  limits: {{body_bytes: 2000000}}
models:
  - name: gpt
    provider: openai/gpt-4o-mini
    base_url: "{url}/v1"
    api_key: {key}
    headers: {{x-team: "configured"}}
"""
ASKED = {**HELLO, "model": "gpt"}


@pytest.fixture(scope="module")
def trap() -> Iterator[Recorder]:
    """Where every steering field points. It is never called."""
    with recording() as one:
        yield one
        assert one.received == []


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as one:
        yield one


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, upstream: Recorder, trap: Recorder) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("steering")
    # A proxy in the environment would see the key; the configuration alone says where calls go.
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_BASE_URL"), trap.url)
    with gateway(CONFIG.format(url=upstream.url, key=PROVIDER_KEY), folder, env=env) as running:
        yield running


def sent(one: Running, upstream: Recorder, request: bytes) -> Received:
    """What the one call to the upstream looked like."""
    before = len(upstream.received)
    said = ask(one.url, request)
    assert said.status == 200, said
    assert len(upstream.received) == before + 1
    return upstream.received[-1]


def steering(url: str) -> dict[str, Any]:
    return {
        "api_base": url,
        "base_url": url,
        "api_key": "sk-of-the-client",
        "api_version": "1",
        "organization": "evil",
        "custom_llm_provider": "ollama",
        "extra_headers": {"authorization": "Bearer sk-of-the-client", "host": "evil.example"},
        "headers": {"authorization": "Bearer sk-of-the-client"},
        "model_list": [{"model_name": "gpt", "litellm_params": {"model": "openai/x", "api_base": url}}],
        "fallbacks": [{"gpt": ["other"]}],
        "mock_response": "mocked",
        "timeout": 0.001,
        "proxy": url,
        "vertex_credentials": "{}",
        "aws_sts_endpoint": url,
        "callbacks": [url],
        "router": {"deployment": "other"},
    }


PLACES = ["body", "metadata", "extra_body", "litellm_params", "user_config"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("field", [*steering(""), "all of them"])
def test_a_field_that_would_steer_the_call_steers_nothing(
    one: Running, upstream: Recorder, trap: Recorder, place: str, field: str
) -> None:
    fields = steering(f"{trap.url}/v1")
    chosen = fields if field == "all of them" else {field: fields[field]}
    received = sent(one, upstream, post({**ASKED, **chosen} if place == "body" else {**ASKED, place: chosen}))
    assert received.line == "POST /v1/chat/completions HTTP/1.1"
    assert received.header("authorization") == [f"Bearer {PROVIDER_KEY}"]
    assert received.header("host") == [upstream.url.removeprefix("http://")]
    assert received.json["model"] == "gpt-4o-mini"


CREDENTIALS = {
    "openai-organization": "org-of-the-client",
    "openai-project": "proj",
    "cookie": "session=1",
    "proxy-authorization": "Basic eDp5",
    "x-goog-api-key": "client",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-host": "evil.example",
    "forwarded": "host=evil.example",
    "x-team": "of the client",
    "x-simulate-fault": "500",
    "user-agent": "of the client",
    "x-litellm-api-base": "http://evil.example",
    "x-anything": "else",
}


def test_of_the_clients_headers_none_reaches_the_provider(one: Running, upstream: Recorder) -> None:
    received = sent(one, upstream, post(ASKED, headers=CREDENTIALS))
    assert {name for name, _ in received.headers} == {
        "host", "authorization", "content-type", "content-length", "accept", "accept-encoding", "user-agent",
        "traceparent", "x-team",
    }  # fmt: skip
    assert received.header("x-team") == ["configured"]
    assert not any(KEY in value or "client" in value or "evil" in value for _, value in received.headers)


@pytest.mark.parametrize("name", ["x-api-key", "api-key"])
def test_the_clients_key_in_another_header_does_not_reach_the_provider(
    one: Running, upstream: Recorder, name: str
) -> None:
    received = sent(one, upstream, post(ASKED, key=None, headers={name: KEY}))
    assert received.header("authorization") == [f"Bearer {PROVIDER_KEY}"]
    assert KEY not in str(received.headers)


@pytest.mark.parametrize(
    "model", ["gpt/../../admin", "http://evil.example/v1", "openai/gpt-4o", "azure/gpt", "*", "GPT"]
)
def test_a_model_that_is_not_configured_is_not_called_under_any_provider(
    one: Running, upstream: Recorder, model: str
) -> None:
    before = len(upstream.received)
    assert ask(one.url, post({**ASKED, "model": model})).status == 404
    assert len(upstream.received) == before


def test_a_query_is_not_handed_on(one: Running, upstream: Recorder, trap: Recorder) -> None:
    received = sent(one, upstream, post(ASKED, f"{CHAT}?api_base={trap.url}&api-version=1"))
    assert received.line == "POST /v1/chat/completions HTTP/1.1"


def test_an_absolute_target_is_answered_here(one: Running, upstream: Recorder, trap: Recorder) -> None:
    received = sent(one, upstream, post(ASKED, f"{trap.url}{CHAT}", host=trap.url.removeprefix("http://")))
    assert received.header("host") == [upstream.url.removeprefix("http://")]


ODD = (
    b'{  "model" :\t"gpt",\n "messages": [ {"role":"user","content":"caf\\u00e9 \xc3\xa9 \\/ \\ud83d\\ude00"} ],'
    b' "unknown_field": {"b":1,"a":[1.0,1e3,-0.0,12345678901234567890123,null]}, "z":"", "A":{}, "temperature":0.10 }'
)


def test_what_the_gateway_does_not_know_reaches_the_provider_byte_for_byte(one: Running, upstream: Recorder) -> None:
    received = sent(one, upstream, post(ODD))
    assert received.body == ODD.replace(b'"model" :\t"gpt"', b'"model":"gpt-4o-mini"')


def test_the_word_model_elsewhere_in_the_body_is_left_alone(one: Running, upstream: Recorder) -> None:
    body = b'{"metadata":{ "model" :"gpt", "n":1e3},"messages":[{"role":"user","content":"\\"model\\""}],"model":"gpt"}'
    received = sent(one, upstream, post(body))
    assert received.body == body[: body.rindex(b'"gpt"')] + b'"gpt-4o-mini"}'


def test_a_model_named_twice_is_the_one_that_was_looked_up(one: Running, upstream: Recorder) -> None:
    body = b'{"model":"expensive","messages":[{"role":"user","content":"Hello"}],"model":"gpt"}'
    received = sent(one, upstream, post(body))
    assert set(json.loads(received.body, object_pairs_hook=lambda pairs: [v for k, v in pairs if k == "model"])) == {
        "gpt-4o-mini"
    }


def test_a_stream_asks_for_usage_and_changes_nothing_else(one: Running, upstream: Recorder) -> None:
    upstream.answer = lambda received: answer(500, {"error": {"message": "no stream here"}})
    try:
        ask(one.url, post({**ASKED, "stream": True, "unknown": [1]}))
    finally:
        upstream.answer = lambda received: answer()
    assert upstream.received[-1].json == {
        **ASKED,
        "model": "gpt-4o-mini",
        "stream": True,
        "unknown": [1],
        "stream_options": {"include_usage": True},
    }


def test_a_redirect_of_the_provider_is_not_followed(one: Running, upstream: Recorder, trap: Recorder) -> None:
    for status in (301, 302, 303, 307, 308):
        upstream.answer = lambda received, status=status: answer(status, {}, f"location: {trap.url}/v1/x")  # type: ignore[misc]
        try:
            said = ask(one.url, post(ASKED))
        finally:
            upstream.answer = lambda received: answer()
        assert said.status == 502
        assert trap.url.encode() not in said.body


@pytest.mark.parametrize("status", [401, 402, 403])
def test_the_providers_word_on_our_key_is_not_repeated(one: Running, upstream: Recorder, status: int) -> None:
    said_there = {"error": {"message": f"Incorrect API key provided: {PROVIDER_KEY}"}}
    upstream.answer = lambda received: answer(status, said_there)
    try:
        said = ask(one.url, post(ASKED))
    finally:
        upstream.answer = lambda received: answer()
    assert (said.status, said.code) == (502, "provider_auth_error")
    assert PROVIDER_KEY.encode() not in said.body


def test_the_providers_headers_are_not_ours(one: Running, upstream: Recorder) -> None:
    extra = (
        "set-cookie: a=b",
        "server: nginx",
        "x-request-id: theirs",
        "openai-organization: org",
        "x-cognitude-cost-usd: 0",
    )
    upstream.answer = lambda received: answer(200, answer_body(), *extra)
    try:
        said = ask(one.url, post(ASKED))
    finally:
        upstream.answer = lambda received: answer()
    assert said.headers["x-request-id"] != "theirs"
    assert not {"set-cookie", "openai-organization"} & said.headers.keys()
    assert said.headers.get("x-cognitude-cost-usd") != "0"


def answer_body() -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion",
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }


def test_no_key_is_in_the_log_or_in_any_open_answer(one: Running) -> None:
    pages = [
        ask(one.url, head("GET", path, key=None)).body for path in ("/health", "/openapi.json", "/docs", "/readyz")
    ]
    pages += [ask(one.url, head("GET", "/v1/models")).body, one.log.read_bytes()]
    for page in pages:
        assert PROVIDER_KEY.encode() not in page
        assert KEY.encode() not in page
