"""The same question has the same key, and no other question has it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.redis_cache.key import IGNORED, cache_key, canonical

SECRET = b"s" * 32
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}

# What orjson reads exactly: whole numbers up to 64 bits, doubles, text without halves of surrogate pairs.
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(TEXT, VALUES, max_size=4)


def spelled(body: dict[str, Any], raw: bytes | None = None) -> bytes:
    return canonical(orjson.dumps(body) if raw is None else raw, body, model=str(body.get("model", "")))


def read(raw: str) -> bytes:
    """Of a body as a client has written it."""
    return spelled(orjson.loads(raw), raw.encode())


def meaning(value: Any) -> Any:
    """What two bodies must have in common to be the same question: the rule, told another way."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float)):
        return ("number", int(value) if isinstance(value, int) or value.is_integer() else value)
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    if isinstance(value, list):
        return [meaning(one) for one in value]
    names = [unicodedata.normalize("NFC", name) for name in value]
    kept = names if len(set(names)) == len(names) else list(value)
    return {name: meaning(one) for name, one in zip(kept, value.values(), strict=True)}


def respelled(value: Any) -> Any:
    """The same with its members in another order, floats for small whole numbers, and text taken apart."""
    if isinstance(value, dict):
        names = [unicodedata.normalize("NFD", name) for name in value]
        if len({unicodedata.normalize("NFC", name) for name in names}) < len(names):
            names = list(value)
        return dict(reversed([(name, respelled(one)) for name, one in zip(names, value.values(), strict=True)]))
    if isinstance(value, list):
        return [respelled(one) for one in value]
    if isinstance(value, str):
        return unicodedata.normalize("NFD", value)
    return float(value) if type(value) is int and abs(value) < 2**53 else value


@settings(max_examples=300)
@given(BODIES, BODIES)
def test_distinct_bodies_never_collide_and_equal_ones_always_meet(one: dict[str, Any], other: dict[str, Any]) -> None:
    pair = [{name: value for name, value in body.items() if name not in IGNORED} for body in (one, other)]
    same = meaning({**pair[0], "model": ""}) == meaning({**pair[1], "model": ""})
    spellings = [canonical(orjson.dumps(body), body, model="") for body in (one, other)]
    assert (spellings[0] == spellings[1]) is same


@settings(max_examples=300)
@given(BODIES)
def test_the_spelling_of_a_body_makes_no_difference(body: dict[str, Any]) -> None:
    body.pop("model", None)
    assert spelled(respelled(body)) == spelled(body)


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_cannot_change_an_answer_is_left_out(name: str) -> None:
    assert spelled({**BODY, name: {"any": "thing"}}) == spelled(BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"n": 2},
        {"seed": 1},
        {"model": "other"},
        {"messages": [{"role": "system", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": "Hello", "user": "a field like any other, inside"}]},
        {"tools": []},
        {"response_format": {"type": "json_object"}},
        {"something_new": None},
    ],
    ids=str,
)
def test_whatever_can_change_it_is_in(change: dict[str, Any]) -> None:
    assert spelled({**BODY, **change}) != spelled(BODY)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ('{"temperature": 1}', '{"temperature": 1.0}'),
        ('{"temperature": 100}', '{"temperature": 1e2}'),
        ('{"temperature": 0}', '{"temperature": -0.0}'),
        ('{"temperature": 0.5}', '{"temperature": 5E-1}'),
        ('{"a": 0.1}', '{"a": 0.10000000000000000}'),
        ('{"a": "caf\\u00e9"}', '{"a": "cafe\\u0301"}'),
        ('{"a": 10000000000000000000000}', '{"a": 1e22}'),
    ],
)
def test_two_spellings_of_the_same(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": null}', "{}"),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": 0.1}', '{"a": 0.2}'),
        ('{"seed": 123456789012345678901234567890}', '{"seed": 123456789012345678901234567891}'),
        ('{"seed": 9007199254740992}', '{"seed": 9007199254740993}'),
        ('{"caf\\u00e9": 1, "cafe\\u0301": 2}', '{"caf\\u00e9": 2, "cafe\\u0301": 1}'),
        ('{"a": "1.0"}', '{"a": "1"}'),
    ],
)
def test_two_things_that_look_alike(one: str, other: str) -> None:
    assert read(one) != read(other)


def test_numbers_beyond_64_bits_are_taken_as_they_are() -> None:
    assert json.loads(read('{"seed": 123456789012345678901234567890}'))["seed"] == 123456789012345678901234567890


def test_a_key_is_of_one_place() -> None:
    """Whoever asks, however he shares, whatever the API: no two of these can be mistaken for each other."""
    places = [
        ("acme", "", "chat"),
        ("acme", "", "completions"),
        ("acme", "k:1", "chat"),
        ("acm", "e", "chat"),
        ('acme","', "", "chat"),
        ("beta", "", "chat"),
    ]
    keys = {
        cache_key(secret, organization=organization, sharer=sharer, api=api, body=b"{}")
        for organization, sharer, api in places
        for secret in (SECRET, b"t" * 32)
    }
    assert len(keys) == 2 * len(places)
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


def test_a_hundred_thousand_bodies_have_as_many_keys() -> None:
    """S10."""
    keys = set()
    for number in range(100_000):
        body = {**BODY, "messages": [{"role": "user", "content": f"Question {number}"}]}
        keys.add(cache_key(SECRET, organization="a", sharer="", api="chat", body=spelled(body)))
    assert len(keys) == 100_000
