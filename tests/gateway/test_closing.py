"""Closing what nobody reads any further."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cognitude_plugins.gateway.closing import close


async def test_what_can_be_closed_is_closed() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            closed.append(True)

    stream = numbers()
    await anext(stream)
    await close(stream)
    await close(stream)
    assert closed == [True]


async def test_what_cannot_be_closed_is_left_alone() -> None:
    await close(None)
    await close(iter([1]))


@pytest.mark.parametrize("error", [RuntimeError("running"), ConnectionResetError("gone")])
async def test_a_stream_that_is_broken_counts_as_closed(error: Exception) -> None:
    class Broken:
        async def aclose(self) -> None:
            raise error

    await close(Broken())
