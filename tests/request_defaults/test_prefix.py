"""The system prompt prefix, per API."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.request_defaults.prefix import prefixed

USER = {"role": "user", "content": "Hello"}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_first_system_or_developer_message_begins_with_the_prefix(role: str) -> None:
    messages = [USER, {"role": role, "content": "Be kind."}, {"role": "system", "content": "Second."}]
    assert prefixed({"messages": messages}, "chat", "Acme.")["messages"] == [
        USER,
        {"role": role, "content": "Acme.\n\nBe kind."},
        {"role": "system", "content": "Second."},
    ]


def test_a_chat_without_one_gets_a_system_message() -> None:
    assert prefixed({"messages": [USER]}, "chat", "Acme.")["messages"] == [{"role": "system", "content": "Acme."}, USER]


def test_content_in_parts_gets_a_part_before_the_others() -> None:
    parts = [{"type": "text", "text": "Be kind."}]
    changed = prefixed({"messages": [{"role": "system", "content": parts}]}, "chat", "Acme.")
    assert changed["messages"][0]["content"] == [{"type": "text", "text": "Acme."}, *parts]


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_system_message_becomes_the_prefix(content: str | None) -> None:
    changed = prefixed({"messages": [{"role": "system", "content": content, "name": "s"}]}, "chat", "Acme.")
    assert changed["messages"] == [{"role": "system", "content": "Acme.", "name": "s"}]


@pytest.mark.parametrize(
    ("prompt", "after"),
    [
        ("Once", "Acme.\n\nOnce"),
        (["Once", "Twice"], ["Acme.\n\nOnce", "Acme.\n\nTwice"]),
        ([1, 2], [1, 2]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        (None, None),
    ],
)
def test_prompts_of_text_are_prefixed_and_tokens_are_not(prompt: Any, after: Any) -> None:
    assert prefixed({"prompt": prompt}, "completions", "Acme.")["prompt"] == after


def test_embeddings_are_not_touched() -> None:
    assert prefixed({"input": "text"}, "embeddings", "Acme.") == {"input": "text"}


def test_other_apis_have_a_field_for_instructions() -> None:
    assert prefixed({"input": "x"}, "responses", "Acme.") == {"input": "x", "instructions": "Acme."}
    assert prefixed({"system": "Be kind."}, "messages", "Acme.")["system"] == "Acme.\n\nBe kind."


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("chat", {"messages": [USER]}),
        ("chat", {"messages": [{"role": "system", "content": "Be kind."}]}),
        ("chat", {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}]}),
        ("completions", {"prompt": ["a", ""]}),
        ("messages", {"system": []}),
    ],
)
def test_a_second_time_changes_nothing(api: str, body: dict[str, Any]) -> None:
    once = prefixed(body, api, "Acme.")
    assert once != body
    assert prefixed(once, api, "Acme.") == once


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": "no list"}, {"messages": [1, "two", None]}])
def test_a_malformed_chat_is_left_for_the_provider_to_judge(body: dict[str, Any]) -> None:
    assert prefixed(body, "chat", "Acme.").get("messages") in (
        body.get("messages"),
        [{"role": "system", "content": "Acme."}, 1, "two", None],
    )
