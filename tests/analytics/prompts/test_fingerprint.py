"""What digests of a prompt tell, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.prompts.fingerprint import LARGEST_BODY, fingerprint
from hooks import Fingerprint

TEXT = "On 2026-11-29 the Quick brown fox jumps over 13 lazy dogs."
PART = {"type": "text", "text": TEXT}


def chat(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text} for text in texts], **fields}


def of(body: dict[str, Any], organization: str = "acme", api: str = "chat") -> Fingerprint:
    found = fingerprint(organization, api, body)
    assert found is not None
    return found


def test_who_asks_and_how_it_is_sent_make_no_difference() -> None:
    other = chat(TEXT, user="ada", stream=True, stream_options={}, metadata={"a": "b"}, store=True, cache={"ttl": 1})
    assert of(other) == of(chat(TEXT)) == of(dict(reversed(chat(TEXT).items())))
    assert of(chat(TEXT, temperature=0)) == of(chat(TEXT, temperature=0.0))


@pytest.mark.parametrize(
    "other",
    [chat(TEXT + "!"), chat(TEXT, temperature=1), chat(TEXT, max_tokens=5), {**chat(TEXT), "model": "n"}],
)
def test_what_an_answer_depends_on_makes_another_request(other: dict[str, Any]) -> None:
    assert of(other).request != of(chat(TEXT)).request
    assert of(other).shape == of(chat(TEXT)).shape


def test_a_shape_is_without_digits_case_spaces_and_punctuation() -> None:
    assert of(chat("on 2027-01-02, the quick  BROWN fox jumps over 7 lazy dogs")).shape == of(chat(TEXT)).shape
    assert of(chat(TEXT.replace("fox", "cat"))).shape != of(chat(TEXT)).shape


@pytest.mark.parametrize(
    "body",
    [
        chat("17 + 25 = ?"),
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url"}, PART]}]},
        {"model": "m", "messages": [{"role": "assistant", "content": TEXT, "tool_calls": []}]},
    ],
)  # fmt: skip
def test_what_is_not_all_text_is_like_nothing_but_itself(body: dict[str, Any]) -> None:
    assert of(body).shape == of(body).request
    assert of({**body, "temperature": 2}).shape != of(body).shape


def test_equal_prompts_of_two_organizations_have_nothing_in_common() -> None:
    one, other = of(chat(TEXT * 200)), of(chat(TEXT * 200), "other")
    assert not {one.request, one.shape, one.prefix} & {other.request, other.shape, other.prefix}


def test_long_instructions_are_a_beginning_whatever_follows() -> None:
    instructions = {"role": "system", "content": "Be kind. " * 500}
    bodies = [{"model": "m", "messages": [instructions, {"role": "user", "content": text}]} for text in ("a", "b")]
    first, second = (of(body) for body in bodies)
    assert first.prefix == second.prefix is not None
    assert first.prefix_tokens == 4500 // 4
    assert first.request != second.request


def test_tools_are_part_of_the_beginning() -> None:
    tools = [{"type": "function", "function": {"name": f"tool_{number}", "description": TEXT}} for number in range(60)]
    first, second = of(chat("a", tools=tools)), of(chat("b", tools=tools))
    assert first.prefix == second.prefix is not None
    assert of(chat("a", tools=tools[1:])).prefix != first.prefix


def test_without_them_it_is_the_first_thousand_tokens_of_the_whole() -> None:
    same = TEXT * 80
    assert of(chat(same + "a")).prefix == of(chat(same + "b")).prefix is not None
    assert of(chat(same)).prefix_tokens == 1024
    assert of(chat(TEXT)).prefix is None


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("completions", {"prompt": TEXT}),
        ("completions", {"prompt": [TEXT]}),
        ("embeddings", {"input": [TEXT]}),
        ("responses", {"input": TEXT}),
        ("responses", {"instructions": "", "input": [{"role": "user", "content": [PART]}]}),
        ("messages", {"messages": [{"role": "user", "content": TEXT}]}),
        ("messages", {"system": [], "messages": [{"role": "user", "content": [PART]}]}),
    ],
)  # fmt: skip
def test_every_api_has_its_prompt(api: str, body: dict[str, Any]) -> None:
    assert of(body, api=api).shape == of(chat(TEXT)).shape
    assert of(body, api=api).request != of(chat(TEXT)).request


def test_instructions_of_their_own_field_are_a_beginning() -> None:
    assert of({"system": TEXT * 90, "messages": [{"role": "user", "content": "a"}]}, api="messages").prefix
    assert of({"instructions": TEXT * 90, "input": "a"}, api="responses").prefix


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": []}, {"messages": 5}, {"prompt": TEXT}])
def test_a_body_that_is_no_prompt_has_none(body: dict[str, Any]) -> None:
    assert fingerprint("acme", "chat", body) is None


def test_a_huge_body_has_none() -> None:
    assert fingerprint("acme", "chat", chat("x" * LARGEST_BODY)) is None


def test_what_json_can_have_and_text_cannot_is_taken() -> None:
    assert of(chat("\ud800" + TEXT, n=2**70)).request


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(("messages", "prompt", "input", "system", "instructions", "tools", "content", "role", "text"))
BODIES = st.dictionaries(NAMES, st.lists(st.dictionaries(NAMES, JSON, max_size=3) | JSON, max_size=3) | JSON)


@given(body=BODIES, api=st.sampled_from(("chat", "completions", "embeddings", "responses", "messages", "other")))
def test_no_body_fails(body: dict[str, Any], api: str) -> None:
    fingerprint("acme", api, body)
