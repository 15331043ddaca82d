"""Ours around the app's: the order, each failure, and apps that know no lifespans or know them badly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cognitude_plugins.gateway.nested_lifespan import nested
from hooks import ConfigError, PluginError

Say = Callable[[str], Any]


class Run:
    """``nested`` as a server runs it; what happened, in its order. ``server:`` is what the server was told."""

    def __init__(self, *, opening: Exception | None = None) -> None:
        self.happened: list[str] = []
        self.messages: list[Any] = []
        self.up = asyncio.Event()
        self._opening = opening
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()

    async def opened(self) -> None:
        self.happened.append("ours opens")
        if self._opening is not None:
            raise self._opening

    async def closed(self) -> None:
        if self.happened[-1] != "ours closes":
            self.happened.append("ours closes")

    async def _send(self, message: Any) -> None:
        self.messages.append(message)
        self.happened.append("server: " + message["type"].removeprefix("lifespan."))
        self.up.set()

    async def through(self, app: Any, *, shutdown: bool = True) -> list[str]:
        self._inbox.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "state": {}}
        task = asyncio.create_task(nested(app, scope, self._inbox.get, self._send, self.opened, self.closed))
        async with asyncio.timeout(5):
            await asyncio.wait({task, asyncio.ensure_future(self.up.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if shutdown:
                await asyncio.sleep(0.01)
                self._inbox.put_nowait({"type": "lifespan.shutdown"})
            self.up.set()
            await task
        return self.happened


def app_of(run: Run, *, startup: str = "complete", shutdown: str = "complete") -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        run.happened.append("app starts")
        await send({"type": f"lifespan.startup.{startup}", "message": "no database"})
        if startup == "failed":
            return
        assert (await receive())["type"] == "lifespan.shutdown"
        run.happened.append("app stops")
        await send({"type": f"lifespan.shutdown.{shutdown}", "message": "too late"})

    return app


async def test_ours_is_open_before_the_apps_begins_and_closes_after_it_has_ended() -> None:
    run = Run()
    assert await run.through(app_of(run)) == [
        "ours opens",
        "app starts",
        "server: startup.complete",
        "app stops",
        "ours closes",
        "server: shutdown.complete",
    ]


@pytest.mark.parametrize("error", [ConfigError("plugins.yaml:3: x"), PluginError("redact: y"), OSError("no folder")])
async def test_when_ours_cannot_open_the_app_is_never_started(error: Exception) -> None:
    run = Run(opening=error)
    assert await run.through(app_of(run), shutdown=False) == ["ours opens", "server: startup.failed"]
    assert str(error) in run.messages[0]["message"]


async def test_when_the_app_cannot_start_ours_is_closed_and_its_message_passed_on() -> None:
    run = Run()
    happened = await run.through(app_of(run, startup="failed"), shutdown=False)
    assert happened == ["ours opens", "app starts", "ours closes", "server: startup.failed"]
    assert run.messages[0]["message"] == "no database"


async def test_an_app_that_says_failed_and_raises_is_raised_on() -> None:
    run = Run()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "boom"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run.through(app, shutdown=False)
    assert run.happened == ["ours opens", "ours closes", "server: startup.failed"]


async def test_a_failed_shutdown_is_passed_on_and_ours_closed_all_the_same() -> None:
    run = Run()
    happened = await run.through(app_of(run, shutdown="failed"))
    assert happened[-2:] == ["ours closes", "server: shutdown.failed"]


async def raises(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def returns(scope: Any, receive: Any, send: Any) -> None:
    return


@pytest.mark.parametrize("app", [raises, returns])
async def test_an_app_that_knows_no_lifespans_does_without_and_ours_runs(app: Any) -> None:
    run = Run()
    assert await run.through(app) == [
        "ours opens",
        "server: startup.complete",
        "ours closes",
        "server: shutdown.complete",
    ]


async def test_an_app_that_leaves_its_lifespan_early_does_not_close_ours() -> None:
    run = Run()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    happened = await run.through(app)
    assert happened == ["ours opens", "server: startup.complete", "ours closes", "server: shutdown.complete"]


async def test_an_app_that_breaks_off_under_way_is_in_the_log_and_does_not_close_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Run()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise ZeroDivisionError("broken")

    happened = await run.through(app)
    assert happened == ["ours opens", "server: startup.complete", "ours closes", "server: shutdown.complete"]
    assert "broken" in caplog.text


async def test_an_app_that_raises_while_it_stops_is_raised_on_after_ours_is_closed() -> None:
    run = Run()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run.through(app)
    assert run.happened[-1] == "ours closes"
