"""What is kept comes back as it was, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.redis_cache.entry import FORMAT, Entry, Unreadable, pack, unpack
from hooks import Usage

SECRET, KEY = b"s" * 32, "k" * 64
SMALL = Entry(body=b'{"a": 1}', created_ms=1_800_000_000_000, model="m", cost_nano_usd=28_000, seconds=60)
LARGE = Entry(
    body=b'{"a": "' + b"word " * 5000 + b'"}',
    created_ms=1_800_000_000_000,
    model="m",
    usage=Usage(prompt_tokens=7, completion_tokens=5000, cached_tokens=3, reported=False, apart=("audio", "search")),
)


@pytest.mark.parametrize("entry", [SMALL, LARGE], ids=["small", "large"])
def test_it_comes_back_as_it_was(entry: Entry) -> None:
    assert unpack(pack(entry, key=KEY, secret=SECRET), key=KEY, secret=SECRET) == entry


def test_what_is_large_takes_less() -> None:
    assert len(pack(LARGE, key=KEY, secret=SECRET)) < len(LARGE.body) / 20
    assert len(pack(SMALL, key=KEY, secret=SECRET)) > len(SMALL.body)


@pytest.mark.parametrize("entry", [SMALL, LARGE], ids=["small", "large"])
@given(data=st.data())
def test_no_other_bytes_are_taken_for_it(entry: Entry, data: st.DataObject) -> None:
    packed = pack(entry, key=KEY, secret=SECRET)
    at = data.draw(st.integers(0, len(packed) - 1))
    changed = bytearray(packed)
    changed[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(changed), packed[:at], packed + b"x"):
        with pytest.raises(Unreadable):
            unpack(wrong, key=KEY, secret=SECRET)


def test_nothing_that_was_kept_elsewhere_or_by_others_is_taken_for_it() -> None:
    packed = pack(SMALL, key=KEY, secret=SECRET)
    for key, secret in (("l" * 64, SECRET), (KEY, b"t" * 32)):
        with pytest.raises(Unreadable, match="not what was kept under this key"):
            unpack(packed, key=key, secret=secret)
    with pytest.raises(Unreadable, match="another format"):
        unpack(bytes([FORMAT[0] + 1]) + packed[1:], key=KEY, secret=SECRET)
    with pytest.raises(Unreadable):
        unpack(b"", key=KEY, secret=SECRET)


@pytest.mark.parametrize(("later", "age"), [(0, 0), (999, 0), (1000, 1), (-5000, 0), (86_400_000, 86_400)])
def test_an_age_is_never_negative(later: int, age: int) -> None:
    assert SMALL.age(SMALL.created_ms + later) == age
