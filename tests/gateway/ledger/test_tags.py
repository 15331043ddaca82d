"""Tags of a call."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.ledger.tags import parse_tags


def test_tags_are_names_and_values() -> None:
    assert parse_tags("team=search, feature=daily summary,x=a=b,") == {
        "team": "search",
        "feature": "daily summary",
        "x": "a=b",
    }


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("team", "name=value"),
        ("=search", "name=value"),
        ("te am=search", "name=value"),
        ("team=", "value of the tag 'team'"),
        ("team=" + "x" * 129, "value of the tag 'team'"),
        ("team=schlüssel", "value of the tag 'team'"),
        ("team=a,team=b", "given twice"),
        (",".join(f"t{index}=1" for index in range(17)), "at most 16"),
    ],
)
def test_what_is_no_tag_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        parse_tags(text)


@given(st.text())
def test_any_text_is_tags_or_a_clear_refusal(text: str) -> None:
    with suppress(ValueError):
        tags = parse_tags(text)
        assert all(name and value and "," not in value and value.isascii() for name, value in tags.items())
