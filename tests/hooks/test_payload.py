"""Bodies that stay bytes until somebody looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooks import Payload, Usage
from hooks.payload import STANDARD_CODEC, Codec


def counting() -> tuple[Codec, list[str]]:
    calls: list[str] = []

    def loads(raw: bytes) -> Any:
        calls.append("loads")
        return json.loads(raw)

    def dumps(value: Any) -> bytes:
        calls.append("dumps")
        return json.dumps(value).encode()

    return Codec(loads, dumps), calls


def test_bytes_nobody_looked_into_are_never_parsed() -> None:
    codec, calls = counting()
    raw = b'{ "model" : "sim" }'
    assert Payload(raw, codec=codec).raw is raw
    assert calls == []


def test_looking_parses_once_and_leaves_the_bytes_alone() -> None:
    codec, calls = counting()
    raw = b'{ "model" : "sim",\n "x": 1.0 }'
    payload = Payload(raw, codec=codec)
    assert payload.value == payload.peek() == {"model": "sim", "x": 1.0}
    assert payload.value is payload.value
    assert payload.raw is raw
    assert calls == ["loads"]


def test_a_value_is_encoded_once_and_only_when_it_is_sent() -> None:
    codec, calls = counting()
    payload = Payload(b"{}", codec=codec).replace({"a": 1})
    assert payload.value == {"a": 1}
    assert calls == []
    assert payload.raw == payload.raw == b'{"a": 1}'
    assert calls == ["dumps"]
    assert payload.codec is codec


def test_the_value_is_read_only_even_after_a_peek() -> None:
    payload = Payload(b'{"a": [1]}')
    assert type(payload.peek()) is dict
    with pytest.raises(TypeError):
        payload.value["a"].append(2)
    with pytest.raises(TypeError):
        payload.peek()["a"].append(2)


def test_replacing_leaves_the_first_payload_as_it_was() -> None:
    first = Payload(b'{"a": 1}')
    second = first.replace({**first.value, "b": 2})
    assert (first.raw, second.raw) == (b'{"a": 1}', b'{"a":1,"b":2}')


@pytest.mark.parametrize("raw", [b"", b"Bad Gateway", b"{", b'{"a": NaN}', b"[Infinity]", b"\xff", b"[" * 200_000])
def test_what_is_not_json_raises_a_value_error_when_looked_into(raw: bytes) -> None:
    payload = Payload(raw)
    with pytest.raises(ValueError):
        payload.peek()
    with pytest.raises(ValueError):
        _ = payload.value
    assert payload.raw == raw


def test_the_standard_codec_writes_no_nan() -> None:
    with pytest.raises(ValueError):
        STANDARD_CODEC.dumps({"temperature": float("nan")})


def test_payloads_are_equal_by_value_and_those_that_are_not_json_by_bytes() -> None:
    assert Payload(b'{"a": 1}') == Payload(value={"a": 1})
    assert Payload(b'{"a": 1}') != Payload(value={"a": 2})
    assert Payload(b"oops") == Payload(b"oops")
    assert Payload(b"oops") != Payload(b"other")
    assert Payload(b"oops") != Payload(value={})
    assert Payload(b"1") != 1


def test_the_text_form_shows_the_size_and_not_the_content() -> None:
    assert repr(Payload(b'{"prompt": "secret"}')) == "Payload(20 bytes)"
    assert repr(Payload(value={"prompt": "secret"})) == "Payload(? bytes)"


def test_a_payload_of_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="needs raw bytes, a value"):
        Payload()
    assert Payload(value=None).raw == b"null"


def test_what_an_answer_reports_is_read_from_it_unless_it_is_known() -> None:
    raw = b'{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}'
    assert Payload(raw).usage == Usage(prompt_tokens=3, completion_tokens=4)
    assert Payload(b"not JSON").usage is None
    assert Payload(b"{}").usage is None
    known = Usage(prompt_tokens=1, completion_tokens=1)
    assert Payload(b"never looked into", usage=known).usage is known
    assert Payload(raw, usage=known).replace({}).usage is None
