"""What a client says of the cache is understood, or refused with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from cognitude_plugins.redis_cache.wishes import NONE, BadWish, Wishes, wishes


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", NONE),
        ("no-store", Wishes(no_store=True)),
        ("No-Cache", Wishes(no_cache=True)),
        ("only-if-cached, max-age=60", Wishes(only_if_cached=True, max_age=60)),
        ('max-age="5"', Wishes(max_age=5)),
        ("max-age=99999999999", Wishes(max_age=2**31)),
        ("min-fresh=5, no-transform, , x=y", NONE),
    ],
)
def test_a_header_is_read_as_rfc_9111_has_it(header: str, expected: Wishes) -> None:
    assert wishes({"cache-control": header}, {}) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, NONE),
        ({"no-cache": True, "no-store": True}, Wishes(no_cache=True, no_store=True)),
        ({"ttl": 600, "s-maxage": 30.5, "namespace": "mine"}, Wishes(ttl=600, max_age=30, namespace="mine")),
        ({"use-cache": True}, NONE),
        (None, NONE),
    ],
)
def test_litellms_object_is_understood(given: Any, expected: Wishes) -> None:
    assert wishes({}, {"cache": given}) == expected


def test_the_stricter_of_both_holds() -> None:
    both = wishes({"cache-control": "max-age=60, no-store"}, {"cache": {"s-maxage": 30, "no-cache": True}})
    assert both == Wishes(no_store=True, no_cache=True, max_age=30)


@pytest.mark.parametrize(
    ("header", "given", "param"),
    [
        ("max-age=soon", None, "Cache-Control"),
        ("max-age=-1", None, "Cache-Control"),
        ("max-age", None, "Cache-Control"),
        ("", {"ttl": "soon"}, "cache.ttl"),
        ("", {"ttl": -1}, "cache.ttl"),
        ("", {"s-maxage": True}, "cache.s-maxage"),
        ("", {"no-cache": "yes"}, "cache.no-cache"),
        ("", {"namespace": 5}, "cache.namespace"),
        ("", "no-cache", "cache"),
    ],
)
def test_what_makes_no_sense_is_named(header: str, given: Any, param: str) -> None:
    with pytest.raises(BadWish, match=param) as caught:
        wishes({"cache-control": header}, {"cache": given})
    assert caught.value.param == param
