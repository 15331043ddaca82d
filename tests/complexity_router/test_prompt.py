"""What a call asks of a model, out of bodies of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.complexity_router.prompt import prompt_of
from hooks import Call
from hooks.testing import make_call


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def chat(*messages: Any, **fields: Any) -> Call:
    return make_call({"model": "auto", "messages": list(messages), **fields})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"messages": [user("What is love?")]}, "What is love?"),
        ({"messages": [{"role": "system", "content": "Be brief."}, user("Why?")]}, "Why?"),
        ({"messages": [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])]}, "a\nb"),
        ({"messages": [user("first"), {"role": "assistant", "content": "yes"}, user("second")]}, "first"),
        ({"messages": [{"role": "system", "content": "only this"}]}, "only this"),
        ({"prompt": "Once upon"}, "Once upon"),
        ({"prompt": ["a", "b"]}, "a\nb"),
        ({"input": "Tell me", "instructions": "Be kind"}, "Tell me"),
        ({"input": [user([{"type": "input_text", "text": "Look"}])]}, "Look"),
        ({"messages": []}, ""),
        ({"messages": [5, None, user(7)]}, ""),
        ({}, ""),
    ],
)
def test_the_question_that_the_conversation_began_with_is_what_counts(body: dict[str, Any], text: str) -> None:
    assert prompt_of(make_call({"model": "auto", **body})).text == text


def test_later_turns_are_of_the_same_conversation() -> None:
    first = prompt_of(chat(user("Hello")))
    later = prompt_of(chat(user("Hello"), {"role": "assistant", "content": "Hi"}, user("And now?")))
    assert (first.continued, later.continued) == (False, True)
    assert first.conversation == later.conversation
    assert prompt_of(chat(user("Hello!"))).conversation != first.conversation
    assert prompt_of(chat({"role": "system", "content": "x"}, user("Hello"))).conversation != first.conversation


def test_a_conversation_belongs_to_who_talks() -> None:
    body = {"model": "auto", "messages": [user("Hello")]}
    found = {
        prompt_of(make_call(body, organization=organization, user=who)).conversation
        for organization in ("acme", "globex")
        for who in ("ada", "bob", None)
    }
    assert len(found) == 6


@pytest.mark.parametrize(
    "fields",
    [{"prompt_cache_key": "c1"}, {"metadata": {"conversation_id": "c1"}}, {"metadata": {"thread_id": "c1"}}],
)
def test_a_client_may_name_the_conversation(fields: dict[str, Any]) -> None:
    named = prompt_of(chat(user("Hello"), **fields))
    assert named.conversation == prompt_of(chat(user("Something else"), **fields)).conversation
    assert named.conversation != prompt_of(chat(user("Hello"))).conversation
    by_header = make_call({"model": "auto", "messages": [user("x")]}, headers={"x-conversation-id": "c1"})
    assert prompt_of(by_header).conversation == named.conversation
    assert named.continued, "whether it has begun before is not for the body to say"
    assert (
        prompt_of(chat(user("x"), prompt_cache_key=["c1"] * 9)).conversation == prompt_of(chat(user("x"))).conversation
    )


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, set()),
        ({"tools": [{"type": "function"}]}, {"tools"}),
        ({"functions": [{"name": "f"}]}, {"tools"}),
        ({"tools": []}, set()),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "json_object"}}, set()),
        ({"text": {"format": {"type": "json_schema"}}}, {"json_schema"}),
        ({"reasoning_effort": "high"}, {"reasoning"}),
        ({"reasoning_effort": "minimal"}, set()),
        ({"reasoning": {"effort": "low"}}, {"reasoning"}),
        ({"messages": [user([{"type": "image_url", "image_url": {"url": "x"}}])]}, {"vision"}),
        ({"messages": [user("a"), {"role": "assistant", "content": "b"}, user([{"type": "image"}])]}, {"vision"}),
        ({"messages": [user([{"type": "input_audio"}, {"type": "file"}])]}, {"audio", "pdf"}),
    ],
)
def test_what_the_model_must_be_able_to_do(fields: dict[str, Any], needs: set[str]) -> None:
    assert prompt_of(make_call({"model": "auto", "messages": [user("x")], **fields})).needs == needs


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 3, "max_tokens": 5}, 3),
        ({"max_tokens": -1}, None),
    ],
)
def test_what_the_client_allows_the_answer(fields: dict[str, Any], limit: int | None) -> None:
    assert prompt_of(chat(user("x"), **fields)).answer_tokens == limit


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)
NAMES = (
    "messages",
    "input",
    "prompt",
    "system",
    "instructions",
    "metadata",
    "tools",
    "reasoning",
    "text",
    "max_tokens",
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_nothing_in_a_body_breaks_it(body: dict[str, Any]) -> None:
    found = prompt_of(make_call({"model": "auto", **body}))
    assert isinstance(found.text, str)
    assert len(found.conversation) == 16
