"""Calls, callers and request headers."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import Caller, Headers
from hooks.testing import make_call


def test_setting_fields_makes_a_new_call_and_keeps_the_old_one() -> None:
    call = make_call()
    changed = call.set(temperature=0, model="other").without("messages", "not there")
    assert changed.body == {"model": "other", "temperature": 0}
    assert (call.model, changed.model) == ("sim", "other")
    assert call.body == {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
    assert changed.state is call.state


def test_the_body_is_read_only_all_the_way_down() -> None:
    body: Any = make_call().body
    with pytest.raises(TypeError, match=r"return call\.set\(temperature=0\)"):
        body["messages"].append({})
    with pytest.raises(TypeError):
        body["messages"][0]["content"] = ""


def test_nothing_of_a_call_can_be_assigned_but_its_state_can_be_used() -> None:
    call = make_call()
    with pytest.raises(FrozenInstanceError):
        call.id = "x"  # type: ignore[misc]
    call.state["cache"] = "hit"
    assert replace(call, id="2").state == {"cache": "hit"}
    assert make_call().state == {}


@pytest.mark.parametrize(
    ("value", "stream"), [(True, True), (False, False), (None, False), (1, False), ("true", False)]
)
def test_only_true_asks_for_a_stream(value: object, stream: bool) -> None:
    assert make_call({"model": "sim", "stream": value}).stream is stream


def test_a_call_without_a_model_has_an_empty_one() -> None:
    assert make_call({}).model == ""


def test_any_mapping_can_be_a_body() -> None:
    call = make_call().with_body(MappingProxyType({"model": "x"}))
    assert call.payload.raw == b'{"model":"x"}'


def test_the_text_form_of_a_call_shows_no_prompt_and_no_state() -> None:
    call = make_call({"messages": [{"content": "my secret"}]}, headers={"x-tag": "hidden too"})
    call.state["plugin"] = "scratch"
    for secret in ("my secret", "hidden too", "scratch"):
        assert secret not in repr(call)


@pytest.mark.parametrize(
    ("note", "error"),
    [
        ({"saved_nano_usd": 1.5}, TypeError),
        ({"saved_nano_usd": True}, TypeError),
        ({"saved_nano_usd": "5"}, TypeError),
        ({"saved_nano_usd": 2**53 + 1}, ValueError),
        ({"saved_nano_usd": -(10**400)}, ValueError),
        ({"complexity": 5}, TypeError),
        ({"cache_key": b"abc"}, TypeError),
        ({"reason": 5}, TypeError),
    ],
)
def test_a_note_that_no_row_can_have_is_refused_and_nothing_is_noted(
    note: dict[str, Any], error: type[Exception]
) -> None:
    call = make_call()
    with pytest.raises(error, match=next(iter(note))):
        call.record(**{"complexity": "simple", "cache_key": "abc", **note})
    assert call.state == {}


def test_a_note_takes_the_place_of_what_is_none() -> None:
    call = make_call()
    call.state["ledger"] = "not a note"
    call.record(saved_nano_usd=-5)
    assert call.state["ledger"] == {"saved_nano_usd": -5}


def test_a_caller_cannot_be_without_an_organization() -> None:
    with pytest.raises(TypeError, match="organization"):
        Caller()  # type: ignore[call-arg]


CREDENTIALS = ["Authorization", "x-api-key", "API-KEY", "Cookie", "Proxy-Authorization", "x-goog-api-key"]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_headers_hide_credentials(name: str) -> None:
    headers = Headers([(name.lower().encode(), b"secret"), (b"x-tag", b"blue")])
    assert name not in headers
    assert headers.get(name) is None
    assert dict(headers) == {"x-tag": "blue"}
    assert len(headers) == 1
    assert "secret" not in repr(headers)
    assert "secret" not in repr(headers.items())
    with pytest.raises(KeyError):
        headers[name]


def test_of_a_repeated_header_the_first_is_returned_and_it_is_counted_once() -> None:
    headers = Headers([(b"x-tag", b"one"), (b"x-tag", b"two")])
    assert dict(headers) == {"x-tag": "one"}
    assert len(headers) == 1


def test_a_name_that_no_header_can_have_is_just_not_there() -> None:
    headers = Headers({"x-tag": "blue"})
    assert "x-täg" not in headers
    assert headers.get("x-\N{SNOWMAN}") is None


@given(st.dictionaries(st.text("abcXYZ-", min_size=1), st.text("äöü abc", max_size=9), max_size=5))
def test_headers_are_found_whatever_the_case(fields: dict[str, str]) -> None:
    headers = Headers(fields)
    for name, value in {name.lower(): value for name, value in reversed(fields.items())}.items():
        assert headers[name.upper()] == value
    assert set(headers) == {name.lower() for name in fields}


def test_a_call_is_wanted_while_one_of_those_who_said_so_still_does() -> None:
    call = make_call()
    assert not call.is_wanted()
    first, second = [True], [True]
    call.keep_while(lambda: first[0])
    call.set(n=2).keep_while(lambda: second[0])
    assert call.is_wanted()
    first[0] = False
    assert call.is_wanted()
    second[0] = False
    assert not call.is_wanted()
