"""Copies of calls: exactly their share, never of a copy, bounded, and nobody's failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import pytest

from cognitude_plugins.balancer.mirrors import MARK, Mirror
from hooks import Call, Reply
from hooks.testing import completion, make_call, streamed

from .fleets import asked


class Served:
    def __init__(self) -> None:
        self.calls: list[tuple[Call, Mapping[str, str]]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None

    async def __call__(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        self.calls.append((call, tags or {}))
        await self.hold.wait()
        if self.error is not None:
            raise self.error
        return streamed("x") if call.stream else Reply.json(completion())


def mirror(served: Served, share: float = 1.0, at_once: int = 8) -> Mirror:
    return Mirror("try", "other", share, at_once, served)


@pytest.mark.parametrize(
    ("share", "of", "copies"), [(0.05, 1000, 50), (0.1, 99, 9), (1, 7, 7), (0, 50, 0), (0.3, 10, 3)]
)
def test_it_copies_exactly_its_share(share: float, of: int, copies: int) -> None:
    found = mirror(Served(), share)
    assert sum(found.wants(asked()) for _ in range(of)) == copies


def test_it_wants_no_copy_no_dry_run_and_nothing_the_key_may_not_send_there() -> None:
    found = mirror(Served())
    assert not found.wants(asked(headers={MARK: "try"}))
    assert not found.wants(asked(dry_run=True))
    for models, wanted in (((), False), (("m",), False), (("oth*",), True), (("m", "other"), True), (None, True)):
        call = asked()
        object.__setattr__(call.caller, "models", models)
        assert found.wants(call) is wanted, models


async def test_a_copy_is_the_call_for_another_model_with_a_tag_and_a_mark() -> None:
    served = Served()
    found = mirror(served)
    call = make_call({"model": "m", "temperature": 0.5, "messages": []}, user="ada", headers={"x-a": "1"})
    call.state["limiter"] = object()
    found.copy(call)
    await found.stop()
    [(copy, tags)] = served.calls
    assert dict(copy.body) == {"model": "other", "temperature": 0.5, "messages": []}
    assert copy.caller == call.caller
    assert dict(copy.headers) == {"x-a": "1", MARK: "try"}
    assert copy.state == {}
    assert tags == {"mirror": "try"}
    assert call.model == "m"
    assert not found.wants(copy)


async def test_a_stream_is_read_to_its_end() -> None:
    served = Served()
    found = mirror(served)
    found.copy(make_call({"model": "m", "stream": True, "messages": []}))
    await found.stop()
    assert found.status() == {"copied": 1, "left_out": 0, "failed": 0}


async def test_only_so_many_are_under_way_at_once() -> None:
    served = Served()
    served.hold.clear()
    found = mirror(served, at_once=2)
    for _ in range(5):
        found.copy(asked())
    await asyncio.sleep(0)
    assert len(served.calls) == 2
    served.hold.set()
    await found.stop()
    assert found.status() == {"copied": 2, "left_out": 3, "failed": 0}
    found.copy(asked())
    await found.stop()
    assert len(served.calls) == 3


async def test_one_that_fails_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    served = Served()
    served.error = RuntimeError("away")
    found = mirror(served)
    with caplog.at_level(logging.WARNING, "cognitude.balancer"):
        for _ in range(3):
            found.copy(asked())
        await found.stop()
        await asyncio.sleep(0)
    assert found.status()["failed"] == 3
    assert len(caplog.records) == 1
