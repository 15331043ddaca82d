"""Lists of names and patterns."""

from __future__ import annotations

from cognitude_plugins.request_defaults.names import Names


def test_a_name_without_a_wildcard_stands_for_itself() -> None:
    assert "gpt-4o" in Names(["gpt-4o"])
    assert "gpt-4o-mini" not in Names(["gpt-4o"])


def test_a_wildcard_stands_for_many_and_case_matters() -> None:
    names = Names(["gpt-*", "claude-?", "o[13]"])
    assert all(name in names for name in ("gpt-", "gpt-4o", "claude-3", "o1"))
    assert not any(name in names for name in ("GPT-4o", "my-gpt-4o", "claude-33", "o2", ""))


def test_a_star_alone_is_everything() -> None:
    assert "" in Names(["*"])
    assert "any\nthing" in Names(["a", "*"])
