"""Analytics as a pipeline has it."""

from __future__ import annotations

from typing import Any

import cognitude_plugins.analytics as package
from cognitude_plugins.analytics.prompts.fingerprint import fingerprint
from cognitude_plugins.analytics.settings import Config
from hooks import Call, Reply, hookimpl
from hooks.testing import check_plugin, exercise, make_call

BODY = {"model": "sim", "messages": [{"role": "user", "content": "How is the weather in Antananarivo?"}]}


class Changing:
    """A plugin further down that changes the body."""

    @hookimpl
    def pre_request(self, call: Call) -> Call:
        return call.set(temperature=0.5)


class Answering:
    """A cache that has the answer, further up than what changes the body."""

    @hookimpl
    def pre_request(self, call: Call) -> Reply:
        return Reply.json({"choices": []})


async def noted(*plugins: Any, **options: Any) -> Any:
    call = make_call(BODY, **options)
    await exercise(*plugins, call=call)
    return call.state.get("ledger", {}).get("fingerprint")


def test_it_keeps_the_contract() -> None:
    check_plugin(package.Analytics(Config()))


async def test_a_hit_and_a_miss_have_the_same_fingerprint() -> None:
    analytics = package.Analytics(Config())
    wanted = fingerprint("acme", "chat", BODY)
    assert await noted(analytics, Changing(), organization="acme") == wanted is not None
    assert await noted(analytics, Answering(), Changing(), organization="acme") == wanted


async def test_a_call_that_was_answered_before_it_came_here_has_one_too() -> None:
    assert await noted(Answering(), package.Analytics(Config()), organization="acme") is not None


async def test_nothing_is_noted_of_dry_runs_or_where_it_is_not_wanted() -> None:
    assert await noted(package.Analytics(Config()), dry_run=True) is None
    assert await noted(package.Analytics(Config(fingerprints=False))) is None
