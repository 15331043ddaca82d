"""The gateway that plugins are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hooks import Call, Deployment, Gateway, Reply, Traits, Usage
from hooks.testing import FakeGateway, FakeLedger, FakeVitals, make_call

DEPLOYMENT = Deployment(id="gpt", model="gpt", provider="openai", upstream_model="gpt", transport="direct")


def test_it_is_a_gateway(tmp_path: Path) -> None:
    ledger = FakeLedger()
    lent: Gateway = FakeGateway(data_dir=tmp_path, models={"gpt": (DEPLOYMENT,)}, ledger=ledger, workers=3)
    assert (lent.data_dir, lent.models["gpt"], lent.ledger, lent.workers) == (tmp_path, (DEPLOYMENT,), ledger, 3)


def test_nothing_has_to_be_given() -> None:
    lent = FakeGateway()
    assert (lent.redis, lent.cache, lent.database, lent.workers, dict(lent.models)) == (None, None, None, 1, {})
    assert lent.time_zone("acme") == "UTC"
    assert lent.cost(DEPLOYMENT, Usage(prompt_tokens=1)) is None


def test_zones_and_prices_are_those_it_was_made_with() -> None:
    lent = FakeGateway(time_zones={"acme": "Asia/Tokyo"}, prices={"gpt": (2, 10)})
    assert (lent.time_zone("acme"), lent.time_zone("globex")) == ("Asia/Tokyo", "UTC")
    assert lent.cost(DEPLOYMENT, Usage(prompt_tokens=3, completion_tokens=4)) == 46


def test_a_longer_prompt_has_more_tokens() -> None:
    def tokens(text: str) -> int:
        return FakeGateway().prompt_tokens(make_call({"model": "m", "messages": [{"role": "user", "content": text}]}))

    assert 0 < tokens("a") < tokens("a" * 100)


async def test_it_serves_no_calls_unless_it_is_told_how() -> None:
    with pytest.raises(NotImplementedError, match="no pipeline"):
        await FakeGateway().serve(make_call())
    told: list[tuple[str, dict[str, str]]] = []

    async def answer(call: Call, tags: Mapping[str, str]) -> Reply:
        told.append((call.id, dict(tags)))
        return Reply.json({"ok": True})

    call = make_call()
    reply = await FakeGateway(answer=answer).serve(call, tags={"why": "mirror"})
    assert (reply.body, told) == ({"ok": True}, [(call.id, {"why": "mirror"})])


def test_how_a_deployment_is_doing_is_what_the_test_says() -> None:
    slow = FakeVitals(seconds=2.0, at=5.0, in_flight=3)
    lent = FakeGateway(fake_vitals={"gpt": slow}, fake_traits={"gpt": Traits(context_tokens=8000)})
    other = replace(DEPLOYMENT, id="other")
    assert lent.vitals(DEPLOYMENT) is slow
    assert (slow.quantile(0.95), FakeVitals(seconds=2.0).quantile(0.95)) == (5.0, 2.0)
    assert lent.vitals(other) is lent.vitals(other)
    assert (lent.vitals(other).seconds, lent.traits(other)) == (None, Traits())
    assert (lent.traits(DEPLOYMENT).context_tokens, lent.traits(DEPLOYMENT).can("tools")) == (8000, None)
    assert Traits(capabilities=frozenset({"tools"})).can("tools")
    assert Traits(capabilities=frozenset({"tools"})).can("vision") is False
