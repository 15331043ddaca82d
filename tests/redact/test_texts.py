"""The walk through a body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redact.texts import in_json, rewritten

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def shout(text: str) -> str:
    return text.replace("x", "X!")


@given(JSON)
def test_what_no_change_touches_is_the_same_object(value: Any) -> None:
    assert rewritten(value, lambda text: text) is value


def test_texts_keys_and_long_numbers_are_changed_at_any_depth() -> None:
    value = {"a": ["x", {"x": "x"}, 3, None], "b": 4111111111111111}
    assert rewritten(value, lambda text: f"<{text}>") == {
        "<a>": ["<x>", {"<x>": "<x>"}, 3, None],
        "<b>": "<4111111111111111>",
    }


def test_arguments_stay_json_when_their_texts_change() -> None:
    arguments = json.dumps({"to": 'a "quoted" x', "n": 1})
    assert json.loads(in_json(arguments, lambda text: text.replace("x", '"\n'))) == {"to": 'a "quoted" "\n', "n": 1}


@pytest.mark.parametrize(
    "text", ["no json x", '{"a": "x"', "[" * 5000 + "x", "[" * 300 + '"x"' + "]" * 300, "9" * 5000 + "x"]
)
def test_arguments_that_are_not_json_or_nested_too_deeply_are_changed_as_text(text: str) -> None:
    assert in_json(text, shout) == shout(text)


def test_a_value_hidden_behind_a_repeated_key_is_changed_too() -> None:
    assert "x" not in in_json('{"a": "x", "a": "b"}', shout).replace("X!", "")


@pytest.mark.parametrize(
    "value",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAxx"}},
        {"type": "input_image", "image_url": "data:image/png;base64,AAxx"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAxx"}},
        {"input_audio": {"data": "AAxx", "format": "wav"}},
        {"source": {"type": "base64", "media_type": "image/png", "data": "AAxx"}},
    ],
)
def test_base64_data_is_left(value: dict[str, Any]) -> None:
    assert rewritten(value, lambda text: text.replace("xx", "!")) is value


@pytest.mark.parametrize(
    "value",
    [
        {"url": "https://example.com/x"},
        {"url": "data:text/plain,x"},
        {"url": "data:text/plain;base64,AA== and x@"},
        {"text": "data:image/png;base64,x"},
        {"input_audio": {"data": "x@", "format": "wav"}},
        {"source": {"type": "text", "data": "x"}},
    ],
)
def test_what_only_looks_like_data_is_not_left(value: dict[str, Any]) -> None:
    assert "X!" in json.dumps(rewritten(value, shout))
