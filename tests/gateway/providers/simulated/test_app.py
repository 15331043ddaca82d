"""The official client against the simulated model on a real socket."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import openai
import pytest

Start = Callable[..., str]
HELLO: list[Any] = [{"role": "user", "content": "Hello there, how are you?"}]
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}, "unit": {"enum": ["C", "F"]}},
    "required": ["city", "unit"],
}


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": WEATHER}}


@pytest.fixture
def connect(simulated: Start) -> Iterator[Callable[..., openai.OpenAI]]:
    clients: list[openai.OpenAI] = []

    def make(retries: int = 0, **options: Any) -> openai.OpenAI:
        url = simulated(**options) + "/v1"
        clients.append(openai.OpenAI(base_url=url, api_key="sk-any", max_retries=retries, timeout=5))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., openai.OpenAI]) -> openai.OpenAI:
    return connect()


def test_echo_repeats_the_last_user_message(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there, how are you?"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7
    assert answer.usage.prompt_tokens == 3 + 3 + 1 + 7
    assert answer.usage.total_tokens == 21


def test_any_other_model_writes_what_depends_on_its_name_and_the_prompt(client: openai.OpenAI) -> None:
    def said(model: str, text: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": text}]
        return client.chat.completions.create(model=model, messages=messages).choices[0].message.content

    assert said("small", "a") == said("small", "a")
    assert len({said("small", "a"), said("large", "a"), said("small", "b")}) == 3


def test_a_stream_is_the_whole_answer_in_pieces(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="small", messages=HELLO, n=2)
    chunks = list(client.chat.completions.create(model="small", messages=HELLO, n=2, stream=True))
    for index in (0, 1):
        deltas = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert "".join(choice.delta.content or "" for choice in deltas) == whole.choices[index].message.content
        assert [choice.finish_reason for choice in deltas if choice.finish_reason] == ["stop"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)
    assert whole.choices[0].message.content != whole.choices[1].message.content


def test_usage_of_a_stream_comes_last_and_only_when_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer(client: openai.OpenAI, field: str) -> None:
    limit: Any = {field: 3}
    answer = client.chat.completions.create(model="echo", messages=HELLO, **limit)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello there,", "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


def test_a_stop_sequence_ends_the_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO, stop=["zzz", ","])
    assert answer.choices[0].message.content == "Hello there"


def test_tokens_per_chunk_and_length_are_settings(connect: Callable[..., openai.OpenAI]) -> None:
    client = connect(tokens_per_chunk=4, completion_tokens=20)
    chunks = list(client.chat.completions.create(model="small", messages=HELLO, stream=True))
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) == 5


def test_a_tool_named_in_the_message_is_called(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Paris and tell_time too"}]
    tools = [tool("get_weather"), tool("tell_time"), tool("get")]
    answer = client.chat.completions.create(model="small", messages=messages, tools=tools)
    calls: Any = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    assert [call.function.name for call in calls] == ["get_weather", "tell_time"]
    for call in calls:
        jsonschema.validate(json.loads(call.function.arguments), WEATHER)
    with client.chat.completions.stream(model="small", messages=messages, tools=tools) as stream:
        final: Any = stream.get_final_completion()
    assert [call.function.arguments for call in final.choices[0].message.tool_calls] == [
        call.function.arguments for call in calls
    ]
    assert [call.id for call in final.choices[0].message.tool_calls] == [call.id for call in calls]
    parts = [
        part.function.arguments
        for chunk in client.chat.completions.create(model="small", messages=messages, tools=tools, stream=True)
        for choice in chunk.choices
        for part in choice.delta.tool_calls or []
        if part.function and part.index == 0
    ]
    assert len(parts) > 3


def test_tool_choice_forces_forbids_and_requires(client: openai.OpenAI) -> None:
    def called(text: str, **fields: Any) -> list[str]:
        messages: list[Any] = [{"role": "user", "content": text}]
        answer = client.chat.completions.create(
            model="small", messages=messages, tools=[tool("alpha"), tool("beta")], **fields
        )
        calls: Any = answer.choices[0].message.tool_calls or []
        return [call.function.name for call in calls]

    assert called("hello") == []
    assert called("alphabet") == []
    assert called("alpha", tool_choice="none") == []
    assert called("hello", tool_choice="required") == ["alpha"]
    assert called("hello", tool_choice={"type": "function", "function": {"name": "beta"}}) == ["beta"]
    assert called("alpha beta", parallel_tool_calls=False) == ["alpha"]
    with pytest.raises(openai.BadRequestError):
        called("hello", tool_choice={"type": "function", "function": {"name": "gamma"}})


def test_after_a_tools_result_comes_text(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "call alpha"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "alpha", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "42"},
    ]
    answer = client.chat.completions.create(model="small", messages=messages, tools=[tool("alpha")])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content


def test_structured_output_satisfies_its_schema(client: openai.OpenAI) -> None:
    described: Any = {"type": "json_schema", "json_schema": {"name": "w", "schema": WEATHER, "strict": True}}
    answer = client.chat.completions.create(model="echo", messages=HELLO, response_format=described)
    content = json.loads(answer.choices[0].message.content or "")
    jsonschema.validate(content, WEATHER)
    assert set(content) == {"city", "days", "unit"}
    loose = client.chat.completions.create(model="echo", messages=HELLO, response_format={"type": "json_object"})
    assert isinstance(json.loads(loose.choices[0].message.content or ""), dict)


def test_log_probabilities_cover_every_token_whole_and_streamed(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO, logprobs=True, top_logprobs=3)
    assert answer.choices[0].logprobs is not None
    content = answer.choices[0].logprobs.content or []
    assert "".join(token.token for token in content) == "Hello there, how are you?"
    assert {len(token.top_logprobs) for token in content} == {3}
    chunks = client.chat.completions.create(model="echo", messages=HELLO, logprobs=True, top_logprobs=3, stream=True)
    streamed = [chunk.choices[0].logprobs for chunk in chunks]
    assert [token for part in streamed if part for token in part.content or []] == content


def test_images_are_accepted_and_counted(client: openai.OpenAI) -> None:
    def tokens(*details: str) -> int:
        images = [{"type": "image_url", "image_url": {"url": "data:,", "detail": detail}} for detail in details]
        messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Look"}, *images]}]
        answer = client.chat.completions.create(model="echo", messages=messages)
        assert answer.choices[0].message.content == "Look"
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    assert tokens("low") - tokens() == 85
    assert tokens("high", "low") - tokens() == 850


def test_fields_it_does_not_know_are_ignored(client: openai.OpenAI) -> None:
    extra = {"some_vendor_field": {"a": [1]}, "reasoning_effort": "low"}
    assert client.chat.completions.create(model="echo", messages=HELLO, extra_body=extra).choices


def test_completions_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="echo", prompt=["one two", "three"], n=2, max_tokens=1, logprobs=1)
    assert [choice.text for choice in whole.choices] == ["one", "one", "three", "three"]
    assert [choice.finish_reason for choice in whole.choices] == ["length", "length", "stop", "stop"]
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 4
    assert whole.choices[0].logprobs is not None
    assert whole.choices[0].logprobs.tokens == ["one"]
    chunks = client.completions.create(model="echo", prompt="one two three", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "one two three"
    assert client.completions.create(model="small", prompt=[1, 2, 3]).usage.prompt_tokens == 3  # type: ignore[union-attr]
    echoed = client.completions.create(model="echo", prompt="one", echo=True)
    assert echoed.choices[0].text == "oneone"


def test_embeddings_are_unit_vectors_the_same_in_both_encodings(client: openai.OpenAI) -> None:
    numbers = client.embeddings.create(model="embed", input=["a", "b", "a"], dimensions=64, encoding_format="float")
    first, second, third = (item.embedding for item in numbers.data)
    assert first == third != second
    assert math.hypot(*first) == pytest.approx(1, abs=1e-6)
    assert len(first) == 64
    raw: Any = client.embeddings.create(model="embed", input="a", dimensions=64, encoding_format="base64")
    assert list(struct.unpack("<64f", base64.b64decode(raw.data[0].embedding))) == first
    default = client.embeddings.create(model="embed", input="a")
    assert len(default.data[0].embedding) == 1536
    assert client.embeddings.create(model="embed", input=[[1, 2], [3]]).usage.prompt_tokens == 3


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"echo", "small", "large", "embed"}
    assert client.models.retrieve("echo").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


@pytest.mark.parametrize(
    "body",
    [
        {"model": "echo"},
        {"messages": HELLO},
        {"model": "echo", "messages": []},
        {"model": "echo", "messages": "hello"},
        {"model": "echo", "messages": ["hello"]},
        {"model": "echo", "messages": HELLO, "n": 0},
        {"model": "echo", "messages": HELLO, "n": True},
        {"model": "echo", "messages": HELLO, "max_tokens": "many"},
        {"model": "echo", "messages": HELLO, "tools": {}},
        {"model": "echo", "messages": HELLO, "tools": 5},
        [1],
    ],
    ids=str,
)
def test_a_bad_request_is_a_400_in_the_envelope(client: openai.OpenAI, body: Any) -> None:
    if body == {"model": "echo", "messages": HELLO, "tools": {}}:
        body["tools"] = {"a": 1}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/embeddings", {"model": "e"}),
        ("/embeddings", {"model": "e", "input": []}),
        ("/embeddings", {"model": "e", "input": ""}),
        ("/embeddings", {"model": "e", "input": "a", "dimensions": 0}),
        ("/embeddings", {"model": "e", "input": "a", "encoding_format": "hex"}),
        ("/completions", {"model": "e"}),
        ("/completions", {"model": "e", "prompt": {}}),
        ("/completions", {"model": "e", "prompt": []}),
    ],
)
def test_the_other_endpoints_refuse_bad_requests_too(client: openai.OpenAI, path: str, body: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        client.post(path, body=body, cast_to=object)


def test_bad_json_a_wrong_method_and_an_unknown_path_are_answered_in_the_envelope(simulated: Start) -> None:
    url = simulated()
    with httpx.Client(base_url=url) as http:
        answers = [
            http.post("/v1/chat/completions", content=b'{"model": NaN'),
            http.post("/v1/chat/completions", content=b"[" * 100_000),
            http.get("/v1/chat/completions"),
            http.post("/v1/models"),
            http.post("/v1/nothing"),
            http.get("/"),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 405, 405, 404, 404]
    assert all(answer.json()["error"]["message"] for answer in answers)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("429", openai.RateLimitError),
        ("429_bare", openai.RateLimitError),
        ("408", openai.APIStatusError),
        ("401", openai.AuthenticationError),
        ("context_length", openai.BadRequestError),
        ("refuse", openai.APIConnectionError),
        ("reset@0", openai.APIConnectionError),
    ],
)
def test_a_fault_raises_the_clients_own_exception(client: openai.OpenAI, fault: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model="echo", messages=HELLO, extra_headers={"x-simulate-fault": fault})
    if isinstance(caught.value, openai.RateLimitError):
        assert caught.value.response.headers.get("retry-after") == ("1" if fault == "429" else None)
    if isinstance(caught.value, openai.BadRequestError):
        assert caught.value.code == "context_length_exceeded"


def test_the_client_retries_its_way_past_a_counted_fault(connect: Callable[..., openai.OpenAI]) -> None:
    client = connect(retries=2, faults="503x2")
    assert client.chat.completions.create(model="echo", messages=HELLO).choices
    stats = httpx.get(f"{str(client.base_url).removesuffix('v1/')}stats").json()
    assert stats == {"calls": 3, "open": 0, "cancelled": 0}


def test_a_wrong_fault_in_a_header_is_a_400_that_says_the_rule(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="did you mean 'reset'"):
        client.chat.completions.create(model="echo", messages=HELLO, extra_headers={"x-simulate-fault": "rest"})
