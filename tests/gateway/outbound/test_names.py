"""Names are resolved beside everything else that waits in threads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from cognitude_plugins.gateway.outbound.names import Names

HANGING = "nobody-answers.example"


@pytest.fixture
async def hanging(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Names]:
    """The machine's resolver gets no answer for `HANGING`; the loop's own threads are two."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    known, over = socket.getaddrinfo, Event()

    def asked(host: str, *rest: object, **more: object) -> object:
        if host != HANGING:
            return known(host, *rest, **more)  # type: ignore[arg-type]
        over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    names = Names()
    yield names
    over.set()
    await names.close()


async def test_a_name_that_nobody_answers_for_holds_up_nothing_else(hanging: Names) -> None:
    lookups = [asyncio.create_task(hanging.resolve(HANGING, 443)) for _ in range(20)]
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: "done") == "done"
        [found, *_] = await hanging.resolve("127.0.0.1", 443)
    assert (found["host"], found["port"]) == ("127.0.0.1", 443)
    for one in lookups:
        one.cancel()
    await asyncio.gather(*lookups, return_exceptions=True)


async def test_what_does_not_exist_is_an_error_of_the_system() -> None:
    names = Names()
    with pytest.raises(OSError, match=r"\w"):
        await names.resolve("no such host", 443)
    await names.close()
