"""Models that are apps of this process: imported and started on the first call, ended with the gateway."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.providers import ProviderError, Target
from cognitude_plugins.gateway.providers.asgi_apps import AsgiApps, imported, lifespan_of
from hooks import Deployment, Reply
from hooks.testing import make_call

APP = """
    import asyncio
    import json
    from contextlib import asynccontextmanager

    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    log = []

    @asynccontextmanager
    async def lifespan(app):
        log.append("up")
        await asyncio.sleep(0.02)
        yield {"where": "lifespan"}
        log.append("down")

    async def chat(request):
        return JSONResponse({"model": (await request.json())["model"], "state": request.state.where})

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])], lifespan=lifespan)

    async def bare(scope, receive, send):
        assert scope["type"] == "http", "I know nothing but http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"bare":true}'})

    @asynccontextmanager
    async def broken(app):
        raise RuntimeError("no database")
        yield

    bad = Starlette(lifespan=broken)

    async def endless(scope, receive, send):
        log.append("endless begun")
        try:
            await asyncio.sleep(60)
        finally:
            log.append("endless ended")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"app_of_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(APP))
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


async def send(apps: AsgiApps, upstream: str) -> Reply:
    deployment = Deployment(id="a", model="a", provider="asgi", upstream_model=upstream, transport="asgi")
    return await apps.send(make_call(), b'{"model":"x"}', Target(deployment=deployment), {})


async def test_an_app_is_started_once_with_the_first_call_and_ended_at_the_end(module: str) -> None:
    apps = AsgiApps()
    await apps.start()
    assert module not in sys.modules
    replies = await asyncio.gather(*(send(apps, f"{module}:app") for _ in range(3)))
    assert [reply.body for reply in replies] == [{"model": "x", "state": "lifespan"}] * 3
    log = sys.modules[module].log
    assert log == ["up"]
    await apps.stop()
    assert log == ["up", "down"]
    assert len(asyncio.all_tasks()) == 1


async def test_an_app_that_knows_no_lifespan_has_none(module: str) -> None:
    apps = AsgiApps()
    assert (await send(apps, f"{module}:bare")).body == {"bare": True}
    await apps.stop()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("name", ["no.such.module:app", "{}:nothing", "{}", "{}:", ":app"])
async def test_an_app_that_cannot_be_loaded_is_a_failed_attempt(module: str, name: str) -> None:
    apps = AsgiApps()
    with pytest.raises(ProviderError) as caught:
        await send(apps, name.format(module))
    assert caught.value.reason == "crashed"
    await apps.stop()


async def test_an_app_whose_start_fails_leaves_no_task_and_is_tried_again(module: str) -> None:
    apps = AsgiApps()
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await send(apps, f"{module}:bad")
        assert caught.value.reason == "crashed"
        assert "no database" not in str(caught.value.reply.body), "a traceback is not the client's business"
    assert len(asyncio.all_tasks()) == 1
    await apps.stop()


async def test_a_client_that_leaves_while_the_app_starts_leaves_no_task(module: str) -> None:
    apps = AsgiApps()
    task = asyncio.create_task(send(apps, f"{module}:endless"))
    while module not in sys.modules or not sys.modules[module].log:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert sys.modules[module].log == ["endless begun", "endless ended"]
    assert len(asyncio.all_tasks()) == 1
    await apps.stop()


async def test_the_lifespan_is_ended_also_when_the_block_fails(module: str) -> None:
    app: Any = imported(f"{module}:app")
    with pytest.raises(KeyError):
        async with lifespan_of(app, {}):
            raise KeyError
    assert sys.modules[module].log == ["up", "down"]
