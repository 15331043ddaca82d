"""Learning in a process of its own."""

from __future__ import annotations

import asyncio
import time

import pytest

from cognitude_plugins.complexity_router import apprentice
from cognitude_plugins.complexity_router.apprentice import NotLearned, learn, readable
from cognitude_plugins.complexity_router.examples import dumps
from cognitude_plugins.complexity_router.study import Study
from tests.complexity_router.test_learned import examples

LABELS = [(loss, dumps(features)) for loss, features in examples(320)]


async def test_the_loop_goes_on_while_it_learns() -> None:
    gaps, last = [], time.monotonic()

    async def tick() -> None:
        nonlocal last
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    ticking = asyncio.create_task(tick())
    made = Study.loads(await learn(LABELS))
    ticking.cancel()
    [(loss, features)] = examples(1, seed=4)
    assert made.allows(features, 0.9) is (loss == 0.0)
    assert len(gaps) > 20


async def test_too_few_labels_are_said() -> None:
    with pytest.raises(NotLearned, match="5 labels can be read, 300 are needed"):
        await learn(LABELS[:5])


async def test_what_cannot_be_read_is_left_out() -> None:
    assert len(readable([*LABELS[:3], (1.0, b"other")])) == 3


async def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprentice, "_SECONDS", 0.01)
    with pytest.raises(NotLearned, match=r"no result within 0.01 s"):
        await learn(LABELS)
