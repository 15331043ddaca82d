"""What providers say when a prompt is too long, or its content not wanted."""

from __future__ import annotations

import pytest

from cognitude_plugins.gateway.refusals import for_its_content, stated_limit, too_long
from hooks import Reply

LONG = {
    "openai": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. "
    "Please reduce the length of the messages.",
    "vllm": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the "
    "messages, 1000 in the completion).",
    "vllm newer": "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "anthropic": "prompt is too long: 210000 tokens > 200000 maximum",
    "anthropic with answer": "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease "
    "input length or `max_tokens` and try again. The prompt is too long.",
    "bedrock": "Input is too long for requested model.",
    "gemini": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "cohere": "too many tokens: total number of tokens in the prompt cannot exceed 4081",
    "llama.cpp": "the request exceeds the available context size, try increasing it",
    "xai": "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    "responses": "Your input exceeds the context window of this model. Please adjust your input and try again.",
}


@pytest.mark.parametrize("message", LONG.values(), ids=LONG.keys())
def test_too_long_in_the_words_of_each(message: str) -> None:
    assert too_long(Reply.error(400, message))
    assert not for_its_content(Reply.error(400, message))


def test_too_long_by_its_code() -> None:
    assert too_long(Reply.error(400, "no", code="context_length_exceeded"))


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value for 'temperature'",
        "max_tokens is too large: 5000. This model supports at most 4096 completion tokens",
        "messages: array too long",
        "",
    ],
)
def test_other_refusals_are_none_of_it(message: str) -> None:
    assert not too_long(Reply.error(400, message))


def test_only_a_refusal_is_read() -> None:
    assert not too_long(Reply.error(500, LONG["openai"]))
    assert not too_long(Reply.json({"error": {"message": LONG["openai"]}}))
    assert not too_long(Reply(status=400))


@pytest.mark.parametrize(
    ("name", "limit"), [("openai", 8192), ("vllm", 4096), ("vllm newer", 4096), ("xai", 131072), ("bedrock", None)]
)
def test_the_room_there_is_where_it_is_said(name: str, limit: int | None) -> None:
    assert stated_limit(Reply.error(400, LONG[name])) == limit


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_refusal_for_the_content(code: str) -> None:
    assert for_its_content(Reply.error(400, "no", code=code))
    assert not too_long(Reply.error(400, "no", code=code))


def test_azures_refusal_for_the_content_has_its_code_inside() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation"}
    assert for_its_content(Reply.json({"error": {"message": "no", "innererror": inner}}, status=400))
