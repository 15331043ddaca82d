"""What goes out."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.custom import custom
from cognitude_plugins.redact.emails import emails
from cognitude_plugins.redact.keys import keys
from cognitude_plugins.redact.mask import mask, replaced
from cognitude_plugins.redact.numbers import cards
from cognitude_plugins.redact.restore import Restorer, Tail
from cognitude_plugins.redact.span import merged
from cognitude_plugins.redact.vault import Vault, lookalikes

DETECTORS = (emails, cards, keys)
VALUES = ["ada@example.com", "bob@example.org", "4111 1111 1111 1111", "AKIAIOSFODNN7EXAMPLE"]
PIECES = st.sampled_from(["[EMAIL_1]", "[EMAIL_", "[", "]", "1]", "[CARD_2]", " ", "\n", '"', "\\", "é", "[[", "KEY"])
TEXTS = st.lists(st.sampled_from([f" {value} " for value in VALUES]) | PIECES | st.text(max_size=4)).map("".join)


def masked(text: str) -> tuple[str, Vault]:
    vault = Vault(lookalikes(text))
    return replaced(text, merged(span for find in DETECTORS for span in find(text)), vault), vault


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(edges)]


@given(TEXTS, st.lists(st.integers(0, 10_000)))
def test_any_text_masked_and_restored_is_itself_however_it_is_cut(text: str, places: list[int]) -> None:
    out, vault = masked(text)
    restorer = Restorer(vault.values)
    assert restorer.text(out) == text
    tail = Tail(restorer)
    assert "".join([tail.feed(piece) for piece in cut(out, places)]) + tail.flush() == text


@given(TEXTS)
def test_no_value_is_in_what_goes_out(text: str) -> None:
    out, vault = masked(text)
    assert not [value for value in vault.values.values() if value in out]
    assert not [value for value in VALUES if f" {value} " in text and value in out]


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=2))
def test_no_value_is_in_any_field_of_what_goes_out(texts: list[str], arguments: list[str]) -> None:
    calls = [{"id": "1", "function": {"name": "f", "arguments": json.dumps({"a": text})}} for text in arguments]
    body = {"model": "sim", "messages": [*({"role": "user", "content": t} for t in texts), {"tool_calls": calls}]}
    before = json.dumps(body)
    out, _ = mask(body, DETECTORS)
    assert json.dumps(body) == before
    sent = json.dumps(out, ensure_ascii=False)
    everything = texts + arguments
    assert not [v for v in VALUES if any(f" {v} " in text for text in everything) and f" {v} " in sent]
    for call in out["messages"][-1]["tool_calls"]:
        json.loads(call["function"]["arguments"])


def body_of(**fields: Any) -> dict[str, Any]:
    return {"model": "ada@example.com", **fields}


def test_every_field_is_looked_into() -> None:
    out, vault = mask(
        body_of(
            messages=[
                {"role": "system", "content": "I am ada@example.com"},
                {"role": "user", "name": "ada@example.com", "content": [{"type": "text", "text": "ada@example.com"}]},
                {"role": "assistant", "tool_calls": [{"function": {"arguments": '{"to":"ada\\u0040example.com"}'}}]},
                {"role": "tool", "content": "ada@example.com"},
            ],
            prompt=["ada@example.com", [1, 2]],
            input="ada@example.com",
            metadata={"ada@example.com": "ada@example.com"},
            unknown=[["ada@example.com"]],
            tools=[{"function": {"description": "Ask ada@example.com"}}],
        ),
        DETECTORS,
    )
    assert vault.values == {"[EMAIL_1]": "ada@example.com"}
    assert json.dumps(out).count("ada@example.com") == 1
    assert out["model"] == "ada@example.com"


def test_definitions_of_tools_are_left_out_on_request() -> None:
    tools = [{"function": {"description": "Ask [EMAIL_1] or ada@example.com"}}]
    out, _ = mask(body_of(tools=tools, input="bob@example.org"), DETECTORS, tools=False)
    assert out["tools"] == tools
    assert out["input"] == "[EMAIL_2]"


def test_a_seed_is_not_a_card_and_a_card_given_as_a_number_is() -> None:
    out, _ = mask(body_of(seed=4111111111111111, metadata={"card": 4111111111111111}), DETECTORS)
    assert out["seed"] == 4111111111111111
    assert out["metadata"] == {"card": "[CARD_1]"}


def test_nothing_found_is_an_empty_vault_and_an_equal_body() -> None:
    body = body_of(input="nothing here [EMAIL_1]")
    out, vault = mask(body, DETECTORS)
    assert not vault
    assert out == body


def test_equal_bodies_are_masked_alike() -> None:
    body = body_of(input=["bob@example.org", "ada@example.com", "bob@example.org"])
    assert mask(body, DETECTORS)[0] == mask(body, DETECTORS)[0]
    assert mask(body, DETECTORS)[0]["input"] == ["[EMAIL_1]", "[EMAIL_2]", "[EMAIL_1]"]


def test_a_pattern_that_matches_the_words_of_the_protocol_does_not_break_the_request() -> None:
    out, _ = mask({"messages": [{"role": "user", "content": "a word"}]}, [custom("WORD", r"\b[a-z]{4}\b")])
    assert out == {"messages": [{"role": "user", "content": "a [WORD_1]"}]}
