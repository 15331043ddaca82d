"""Which conversation a call says it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.conversation import HEADER, conversation_name
from hooks.testing import make_call


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, None),
        ({"prompt_cache_key": "cache"}, "cache"),
        ({"prompt_cache_key": "cache", "metadata": {"conversation_id": "one"}}, "one"),
        ({"metadata": {"thread_id": "two"}}, "two"),
        ({"metadata": {"session_id": "three"}}, "three"),
        ({"metadata": {"conversation_id": 5}, "prompt_cache_key": ["x"]}, None),
        ({"metadata": "one", "prompt_cache_key": ""}, None),
    ],
)
def test_a_client_may_name_it_in_its_body(body: dict[str, Any], name: str | None) -> None:
    assert conversation_name(make_call({"model": "m", **body})) == name


def test_the_header_comes_first() -> None:
    call = make_call({"model": "m", "prompt_cache_key": "cache"}, headers={HEADER: "head"})
    assert conversation_name(call) == "head"
