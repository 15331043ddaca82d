"""What a condition may know of a call."""

from __future__ import annotations

from datetime import UTC, datetime

from cognitude_plugins.balancer.facts import Facts
from hooks.testing import make_call

FACTS = Facts(
    tags_header="x-cognitude-tags",
    now=lambda: datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
    zone=lambda organization: {"acme": "Europe/Berlin"}.get(organization, "UTC"),
)


def test_the_facts_of_a_call() -> None:
    headers = {"x-cognitude-tags": "team=search, tier = gold,", "authorization": "Bearer secret", "X-Other": "1"}
    call = make_call({"model": "m", "stream": True}, user="ada", headers=headers)
    found = FACTS.of(call, ("call", "caller", "tags", "headers"))
    assert found == {
        "call": {"model": "m", "api": "chat", "stream": True},
        "caller": {"organization": "acme", "key": "key-1", "user": "ada", "role": "member"},
        "tags": {"team": "search", "tier": "gold"},
        "headers": {"x-cognitude-tags": "team=search, tier = gold,", "x-other": "1"},
    }


def test_the_time_is_that_of_the_organization() -> None:
    here = FACTS.of(make_call(organization="acme"), ("time",))["time"]
    assert here == {"hour": 0, "minute": 30, "weekday": 1, "date": "2026-03-02"}
    assert FACTS.of(make_call(organization="globex"), ("time",))["time"]["hour"] == 23


def test_without_a_user_and_without_tags_there_are_empty_ones() -> None:
    found = FACTS.of(make_call(), ("caller", "tags"))
    assert (found["caller"]["user"], found["tags"]) == ("", {})
