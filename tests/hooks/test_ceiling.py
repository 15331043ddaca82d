"""Amounts that may not be spent: what a ceiling must say, and who publishes which."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hooks import Ceiling, Ceilings


def ceiling(id: str = "b", **other: Any) -> Ceiling:
    return Ceiling(**{"id": id, "organization": "acme", "nano_usd": 10, "per": "month", **other})


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "key"},
        {"value": "key_1"},
        {"per": "total"},
        {"since": datetime(2026, 1, 1, tzinfo=UTC)},
        {"nano_usd": -1},
    ],
)
def test_one_that_makes_no_sense_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ceiling 'b': "):
        ceiling(**wrong)


def test_each_publisher_replaces_what_it_published_before() -> None:
    ceilings = Ceilings()
    ceilings.publish("one", [ceiling("a"), ceiling("b")])
    ceilings.publish("other", [ceiling("c")])
    ceilings.publish("one", [ceiling("b")])
    assert [one.id for one in ceilings.all()] == ["b", "c"]


def test_the_version_changes_with_them_and_not_without() -> None:
    ceilings = Ceilings()
    before = ceilings.version
    ceilings.publish("one", [])
    assert ceilings.version == before
    ceilings.publish("one", [ceiling()])
    assert ceilings.version != before
    before = ceilings.version
    ceilings.publish("one", [ceiling()])
    assert ceilings.version == before


def test_somebody_holds_calls_to_them_until_the_last_has_let_go() -> None:
    ceilings = Ceilings()
    assert not ceilings.held
    ceilings.hold("one")
    ceilings.hold("other")
    ceilings.let_go("one")
    assert ceilings.held
    ceilings.let_go("other")
    ceilings.let_go("other")
    assert not ceilings.held
