"""Names of models and patterns of them."""

from __future__ import annotations

from cognitude_plugins.balancer.patterns import is_pattern, matcher


def test_a_name_is_itself_and_a_star_anything() -> None:
    matches = matcher(["gpt-*", "sim", "a?[b]*"])
    assert [name for name in ("gpt-4o", "gpt-", "sim", "simx", "a?[b]c", "axbc", "") if matches(name)] == [
        "gpt-4o", "gpt-", "sim", "a?[b]c",
    ]  # fmt: skip


def test_none_is_everything() -> None:
    assert matcher(None)("whatever")
    assert [is_pattern(one) for one in ("a*", "a?")] == [True, False]
