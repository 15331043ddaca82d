"""What an application does with the official openai client, as a program: run with either major version of it.

Prints one JSON object: the client's version, and for each case null or what went wrong. The cases raise on failure.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import openai
from openai import OpenAI
from pydantic import BaseModel

Case = Callable[["Gateways"], None]
CASES: dict[str, Case] = {}
HELLO: Any = [{"role": "user", "content": "Hello, world"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8"
    "z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


class Gateways:
    """``committed`` serves the committed plugins.yaml, ``faulty`` models that fail, each by its name."""

    def __init__(self, committed: str, faulty: str, key: str, user_key: str) -> None:
        self.committed_url = committed
        self.key = key
        self.client: Any = OpenAI(base_url=f"{committed}/v1", api_key=key, max_retries=0, timeout=20)
        self.faulty: Any = OpenAI(base_url=f"{faulty}/v1", api_key=key, max_retries=0, timeout=20)
        self.user: Any = OpenAI(base_url=faulty, api_key=user_key, max_retries=0, timeout=20)


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def raises(kind: type[Exception], work: Callable[[], object]) -> Any:
    """The exception, which has exactly this class."""
    raised: Exception | None = None
    try:
        work()
    except openai.OpenAIError as error:
        raised = error
    assert type(raised) is kind, f"{type(raised).__name__}: {raised}"
    return raised


def say(client: OpenAI, model: str = "sim", **options: Any) -> Any:
    return client.chat.completions.create(model=model, messages=HELLO, **options)


@case
def a_chat_is_answered(to: Gateways) -> None:
    answer = say(to.client)
    assert answer.choices[0].message.content == "Hello, world"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer._request_id


@case
def a_chat_is_streamed(to: Gateways) -> None:
    chunks = list(say(to.client, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, world"
    assert len(chunks) > 3
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


@case
def a_stream_says_its_usage_when_asked(to: Gateways) -> None:
    chunks = list(say(to.client, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].usage == say(to.client).usage


@case
def a_stream_can_be_left_early(to: Gateways) -> None:
    with say(to.client, "sim-large", stream=True) as stream:
        next(iter(stream))


@case
def a_tool_is_called_and_its_result_is_taken(to: Gateways) -> None:
    asked: Any = [{"role": "user", "content": "Use get_weather for Paris"}]
    answer = to.client.chat.completions.create(model="sim", messages=asked, tools=[WEATHER])
    assert answer.choices[0].finish_reason == "tool_calls"
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}
    history = [*asked, answer.choices[0].message.model_dump(exclude_none=True), result]
    told = to.client.chat.completions.create(model="sim", messages=history, tools=[WEATHER])
    assert told.choices[0].finish_reason == "stop"
    assert told.choices[0].message.content == asked[0]["content"]


@case
def a_tool_call_is_streamed(to: Gateways) -> None:
    asked: Any = [{"role": "user", "content": "Use get_weather for Paris"}]
    with to.client.chat.completions.stream(model="sim", messages=asked, tools=[WEATHER]) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    [call] = final.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


@case
def structured_output_is_parsed(to: Gateways) -> None:
    answer = to.client.chat.completions.parse(model="sim-small", messages=HELLO, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)


@case
def structured_output_is_streamed(to: Gateways) -> None:
    with to.client.chat.completions.stream(model="sim-small", messages=HELLO, response_format=Person) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Person)


@case
def texts_are_embedded(to: Gateways) -> None:
    answer = to.client.embeddings.create(model="sim", input=["one", "two", "one"])
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.data[0].embedding == answer.data[2].embedding != answer.data[1].embedding
    assert len(answer.data[0].embedding) == 1536
    assert answer.usage.prompt_tokens == 3
    plain = to.client.embeddings.create(model="sim", input="one", encoding_format="float", dimensions=8)
    assert len(plain.data[0].embedding) == 8
    assert abs(sum(number**2 for number in plain.data[0].embedding) - 1) < 1e-3


@case
def models_are_listed_and_retrieved(to: Gateways) -> None:
    listed = [model.id for model in to.client.models.list()]
    assert {"sim", "sim-small", "sim-large"} <= set(listed)
    assert to.client.models.retrieve("sim").id == "sim"
    raises(openai.NotFoundError, lambda: to.client.models.retrieve("nothing"))


@case
def completions_are_answered_and_streamed(to: Gateways) -> None:
    answer = to.client.completions.create(model="sim", prompt="Once upon a time", max_tokens=50)
    assert answer.choices[0].text == "Once upon a time"
    parts = to.client.completions.create(model="sim", prompt="Once upon a time", max_tokens=50, stream=True)
    assert "".join(part.choices[0].text for part in parts) == "Once upon a time"


@case
def several_choices_are_given(to: Gateways) -> None:
    answer = say(to.client, "sim-small", n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    streamed = {chunk.choices[0].index for chunk in say(to.client, "sim-small", n=3, stream=True)}
    assert streamed == {0, 1, 2}


@case
def log_probabilities_are_given(to: Gateways) -> None:
    answer = say(to.client, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == "Hello, world"
    assert all(len(token.top_logprobs) == 2 for token in tokens)


@case
def images_are_taken_in_messages(to: Gateways) -> None:
    parts: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE}}]
    answer = to.client.chat.completions.create(model="sim", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "What is it?"
    assert answer.usage.prompt_tokens > 700


@case
def an_address_comes_back_whole_through_the_committed_pipeline(to: Gateways) -> None:
    asked: Any = [{"role": "user", "content": "Write to jane.doe@example.com soon"}]
    whole = to.client.chat.completions.create(model="sim", messages=asked)
    assert whole.choices[0].message.content == asked[0]["content"]
    chunks = to.client.chat.completions.create(model="sim", messages=asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == asked[0]["content"]


@case
def the_gateways_headers_are_there(to: Gateways) -> None:
    raw = to.client.chat.completions.with_raw_response.create(model="sim", messages=HELLO)
    assert raw.headers["x-cognitude-source"] == "provider"
    assert raw.headers["x-cognitude-attempts"] == "1"
    assert raw.parse().id


@case
def a_wrong_key_is_an_authentication_error(to: Gateways) -> None:
    stranger = to.client.with_options(api_key="wrong-key-0123456789")
    assert raises(openai.AuthenticationError, lambda: say(stranger)).code == "invalid_api_key"
    assert raises(openai.AuthenticationError, lambda: stranger.models.list()).status_code == 401


@case
def an_unknown_model_is_not_found(to: Gateways) -> None:
    error = raises(openai.NotFoundError, lambda: say(to.client, "sim-smal"))
    assert error.code == "model_not_found"
    assert error.param == "model"
    assert "sim-small" in error.message


@case
def an_unknown_endpoint_is_not_found(to: Gateways) -> None:
    raises(openai.NotFoundError, lambda: to.client.files.list())


@case
def too_many_choices_are_a_bad_request(to: Gateways) -> None:
    error = raises(openai.BadRequestError, lambda: say(to.client, n=9))
    assert error.param == "n"
    assert error.request_id


@case
def the_providers_own_400_is_a_bad_request(to: Gateways) -> None:
    error = raises(openai.BadRequestError, lambda: say(to.faulty, "full"))
    assert error.code == "context_length_exceeded"


@case
def a_stream_that_is_refused_raises_the_same_class(to: Gateways) -> None:
    raises(openai.BadRequestError, lambda: say(to.faulty, "full", stream=True))
    raises(openai.RateLimitError, lambda: say(to.faulty, "limited", stream=True))


@case
def a_429_is_a_rate_limit_error_with_its_retry_after(to: Gateways) -> None:
    error = raises(openai.RateLimitError, lambda: say(to.faulty, "limited"))
    assert error.response.headers["retry-after"] == "7"


@case
def a_500_is_an_internal_server_error(to: Gateways) -> None:
    assert raises(openai.InternalServerError, lambda: say(to.faulty, "broken")).status_code == 500
    assert raises(openai.InternalServerError, lambda: say(to.faulty, "closed")).status_code == 503


@case
def an_unreachable_provider_is_an_internal_server_error(to: Gateways) -> None:
    assert raises(openai.InternalServerError, lambda: say(to.faulty, "nobody")).status_code == 502


@case
def an_answer_too_large_to_ask_for_is_an_api_status_error(to: Gateways) -> None:
    huge: Any = [{"role": "user", "content": "x" * 11 * 1024 * 1024}]
    error = raises(openai.APIStatusError, lambda: to.client.chat.completions.create(model="sim", messages=huge))
    assert error.status_code == 413


@case
def an_administrative_endpoint_is_a_permission_error(to: Gateways) -> None:
    error = raises(openai.PermissionDeniedError, lambda: to.user.post("/admin/reload", cast_to=object))
    assert error.code == "admin_required"


@case
def a_model_slower_than_the_clients_patience_is_a_timeout(to: Gateways) -> None:
    raises(openai.APITimeoutError, lambda: say(to.faulty.with_options(timeout=0.3), "slow"))


@case
def a_stream_that_breaks_off_raises_and_is_not_taken_for_complete(to: Gateways) -> None:
    got: list[str] = []

    def read() -> None:
        got.extend(chunk.choices[0].delta.content or "" for chunk in say(to.faulty, "breaks", stream=True))

    error = raises(openai.APIError, read)
    assert error.code == "provider_broke_off"


@case
def the_client_waits_as_long_as_retry_after_says(to: Gateways) -> None:
    patient = to.faulty.with_options(max_retries=2)
    started = time.monotonic()
    answer = say(patient, f"once-{openai.__version__[0]}")
    waited = time.monotonic() - started
    assert answer.choices[0].message.content == "Hello, world"
    assert 1.0 <= waited < 6.0, waited


def main(committed: str, faulty: str, key: str, user_key: str) -> None:
    gateways = Gateways(committed, faulty, key, user_key)
    results: dict[str, str | None] = {}
    for name, run in CASES.items():
        try:
            run(gateways)
            results[name] = None
        except Exception:  # noqa: BLE001 - whatever a case trips over is its result
            results[name] = traceback.format_exc()
    print(json.dumps({"version": openai.__version__, "results": results}))


if __name__ == "__main__":
    main(*sys.argv[1:])
