"""Which of two answers is better."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.complexity_router import verdicts
from cognitude_plugins.complexity_router.verdicts import essence, exactly, question, ruling, said
from hooks import freeze
from hooks.testing import completion


def tool_call(name: str, arguments: str) -> dict[str, Any]:
    return {"type": "function", "id": "x", "function": {"name": name, "arguments": arguments}}


def test_the_text_of_an_answer_is_what_is_compared() -> None:
    assert said(completion("Hello")) == ("Hello", None)
    assert said(freeze(completion("Hello"))) == ("Hello", None)
    assert said({"choices": [{"text": "more", "finish_reason": "stop"}]}) == ("more", None)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": "cut"}, "finish_reason": "length"}]},
    ],
)
def test_what_is_no_whole_answer_is_not_compared(body: Any) -> None:
    assert said(body) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "The answer is 42."),
        ("So in total she has 1,234 apples.\n#### 1234", "1234"),
        ("The answer is 3.50 dollars", "3.5"),
        ("B", "(b)"),
        ("The correct answer is **B**.", "Answer: (B)"),
        ('{"a": 1, "b": [2]}', '{"b": [2], "a": 1}'),
    ],
)
def test_answers_that_come_down_to_the_same_are_equal(one: str, other: str) -> None:
    assert essence((one, None)) == essence((other, None)) is not None
    assert exactly((one, None), (other, None)) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [("42", "The answer is 43."), ("B", "The answer is C"), ("Well, perhaps.", "42"), ('{"a": 1}', "[1]")],
)
def test_others_are_not(one: str, other: str) -> None:
    assert exactly((one, None), (other, None)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The short answer is a matter of taste, and nobody can say more than that of it.",
        "My answer: I think you should go, and not look back at what there was before.",
        "In 1998 the result was published in a well-known journal, and everybody has read it.",
        "I",
        "[" * 100_000,
    ],
)
def test_what_only_looks_like_an_exact_answer_is_free_text(text: str) -> None:
    assert essence((text, None)) is None


def test_text_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "The answer "}, {"type": "text", "text": "is 4"}]
    assert said({"choices": [{"message": {"content": parts}}]}) == ("The answer is 4", None)


def test_free_text_cannot_be_compared_exactly() -> None:
    assert essence(("It was a cold night in 1984 and the wind blew over the moor for many hours.", None)) is None
    assert exactly(("42", None), ("It depends on what you are looking for in this.", None)) is None


def test_tool_calls_are_the_same_whatever_their_order_and_spacing() -> None:
    one = said({"choices": [{"message": {"tool_calls": [tool_call("f", '{"a": 1}'), tool_call("g", "{}")]}}]})
    other = said({"choices": [{"message": {"tool_calls": [tool_call("g", "{ }"), tool_call("f", '{"a":1}')]}}]})
    third = said({"choices": [{"message": {"tool_calls": [tool_call("f", '{"a": 2}'), tool_call("g", "{}")]}}]})
    assert one is not None
    assert other is not None
    assert third is not None
    assert (exactly(one, other), exactly(one, third)) == (0, 1)


def test_the_judge_sees_question_and_answers_in_their_marks_and_no_more_than_is_needed() -> None:
    system, user = question("q" * 10_000, "first", "second")
    assert (system["role"], system["content"]) == ("system", verdicts.ASK)
    assert user["content"].count("<<<") == 6
    assert user["content"].index("first") < user["content"].index("second")
    assert len(user["content"]) < 7000


@pytest.mark.parametrize(
    ("text", "found"),
    [("A", "A"), (" b.", "B"), ("**TIE**", "TIE"), ("tie\n", "TIE"), ("A is better", None), ("", None), ("C", None)],
)
def test_a_ruling_is_one_word(text: str, found: str | None) -> None:
    assert ruling(text) == found


@pytest.mark.parametrize("text", ["(" * 65_536, "answer " * 9_000, "1," * 32_768, "A" * 65_536, "{" * 65_536 + "}"])
def test_no_answer_burns(text: str) -> None:
    essence((text, None))
    ruling(text)
