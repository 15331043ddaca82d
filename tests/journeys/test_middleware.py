"""An operator puts the pipeline in front of an app: in its code, around it, and with ``cognitude wrap``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from tests.processes import CLI, Running, free_port, gateway, running

DOCUMENT = Path(__file__).parents[2] / "docs" / "middleware.md"
CHAT = "/v1/chat/completions"
HELLO = {"model": "any", "messages": [{"role": "user", "content": "Hello"}]}
NO_KEY = {"COGNITUDE_BOOTSTRAP_KEY": "", "COGNITUDE_ADMIN_KEY": ""}

SHOP = """
import asyncio, json
from contextlib import asynccontextmanager
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from hooks.testing import chunks_of, completion

calls = []

@asynccontextmanager
async def lifespan(app):
    Path("stages").write_text("up")
    yield
    Path("stages").write_text("down")

async def chat(request):
    if request.headers.get("authorization") == "Bearer wrong":
        return JSONResponse({"error": {"message": "the shop does not know you", "code": "shop"}}, 401)
    asked = await request.json()
    calls.append(asked)
    words = asked["messages"][-1]["content"].split()
    if not asked.get("stream"):
        return JSONResponse(completion(" ".join(words)), headers={"x-shop": "1"})
    async def events():
        for event in chunks_of(*words):
            yield b"data: " + json.dumps(event).encode() + b"\\n\\n"
            await asyncio.sleep(asked.get("pace", 0))
        yield b"data: [DONE]\\n\\n"
    return StreamingResponse(events(), media_type="text/event-stream")

async def status(request):
    return JSONResponse({"calls": len(calls)})

app = Starlette(lifespan=lifespan, routes=[
    Route("/v1/chat/completions", chat, methods=["POST"]), Route("/status", status), Route("/livez", status)])

def make():
    return app
"""
POLITE = """
from hooks import Reply, hookimpl

@hookimpl
async def pre_request(call):
    if call.model == "forbidden":
        return Reply.error(403, "Not this one.", code="forbidden")
"""
CONFIG = "gateway: {drain: {announce_seconds: 0.3, finish_seconds: 10}}\npipeline: [{use: ./polite.py}]\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    (folder / "polite.py").write_text(POLITE)
    return folder


@pytest.fixture(scope="module")
def wrapped(shop: Path) -> Iterator[Running]:
    with gateway(CONFIG, shop, command="wrap shop:app", env=NO_KEY) as one:
        yield one


def test_the_apps_keys_are_the_only_ones(wrapped: Running) -> None:
    text = wrapped.text()
    assert f"address  {wrapped.url}" in text
    assert "cog_" not in text
    assert not re.search(r"^key ", text, re.MULTILINE)
    with httpx.Client(base_url=wrapped.url, trust_env=False) as client:
        assert client.post(CHAT, json=HELLO).status_code == 200


def test_the_openai_client_gets_answers_streams_and_the_apps_errors(wrapped: Running) -> None:
    with OpenAI(base_url=wrapped.url + "/v1", api_key="any", http_client=httpx.Client(trust_env=False)) as client:
        messages: Any = [{"role": "user", "content": "one two three"}]
        raw = client.chat.completions.with_raw_response.create(model="any", messages=messages)
        assert raw.parse().choices[0].message.content == "one two three"
        assert raw.headers["x-shop"] == "1"
        stream = client.chat.completions.create(model="any", messages=messages, stream=True)
        assert "".join(event.choices[0].delta.content or "" for event in stream) == "onetwothree"
        with pytest.raises(AuthenticationError, match="the shop does not know you"):
            client.with_options(api_key="wrong").chat.completions.create(model="any", messages=messages)


def test_a_plugin_that_answers_early_is_not_seen_by_the_app(wrapped: Running) -> None:
    with httpx.Client(base_url=wrapped.url, trust_env=False) as client:
        before = client.get("/status").json()
        answer = client.post(CHAT, json={**HELLO, "model": "forbidden"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert client.get("/status").json() == before


def test_a_reload_swaps_the_pipeline(shop: Path, wrapped: Running) -> None:
    path = shop / "plugins.yaml"
    with httpx.Client(base_url=wrapped.url, trust_env=False) as client:
        forbidden = {**HELLO, "model": "forbidden"}
        for text, status in (("pipeline: []\n", 200), (CONFIG, 403)):
            path.write_text(text)
            wrapped.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 10
            while client.post(CHAT, json=forbidden).status_code != status:
                assert time.monotonic() < deadline, wrapped.text()
                time.sleep(0.02)


def test_a_drain_finishes_the_stream_and_ends_both_lifespans(shop: Path) -> None:
    with gateway(CONFIG, shop, command="wrap shop:make --factory", env=NO_KEY) as one:
        assert (shop / "stages").read_text() == "up"
        body = {**HELLO, "messages": [{"role": "user", "content": "w " * 20}], "stream": True, "pace": 0.05}
        with (
            httpx.Client(base_url=one.url, trust_env=False) as client,
            client.stream("POST", CHAT, json=body, timeout=20) as answer,
        ):
            lines = answer.iter_lines()
            next(lines)
            one.process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line][-1] == "data: [DONE]"
        assert one.process.wait(10) == 0
        assert (shop / "stages").read_text() == "down"
        assert "Traceback" not in one.text()


def test_several_workers_serve_the_app(shop: Path) -> None:
    with gateway(CONFIG, shop, "--workers", "2", command="wrap shop:app", env=NO_KEY) as one:
        with httpx.Client(base_url=one.url, trust_env=False) as client:
            assert client.post(CHAT, json=HELLO).json()["choices"][0]["message"]["content"] == "Hello"
        assert one.stop() == 0


def test_with_auth_gateway_a_first_key_is_made_and_asked_for(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    with gateway("gateway: {middleware: {auth: gateway}}\n", tmp_path, command="wrap shop:app", env=NO_KEY) as one:
        key = re.search(r"^key +(cog_\S+)$", one.text(), re.MULTILINE)
        assert key, one.text()
        with httpx.Client(base_url=one.url, trust_env=False) as client:
            assert client.post(CHAT, json=HELLO).status_code == 401
            assert client.post(CHAT, json=HELLO, headers={"x-api-key": key[1]}).status_code == 200
            assert client.get("/status").status_code == 200


def refused(folder: Path, *arguments: str) -> str:
    command = [*CLI, "wrap", *arguments, "--port", str(free_port())]
    env = {**os.environ, **NO_KEY}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False, env=env)
    assert done.returncode not in (0, None), done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("nowhere:app", "nowhere:app: No module named 'nowhere'"),
        ("shop:nothing", "has no attribute 'nothing'"),
        ("shop", "is not package.module:app"),
        ("shop:calls", "shop:calls is list, which is no ASGI app"),
    ],
)
def test_an_app_that_is_not_there_ends_the_start_with_its_name(shop: Path, workers: str, app: str, said: str) -> None:
    (shop / "empty.yaml").write_text("pipeline: []\n")
    assert said in refused(shop, app, "--config", "empty.yaml", "--workers", workers)


def test_what_is_wrong_with_the_configuration_ends_the_start(shop: Path) -> None:
    (shop / "wrong.yaml").write_text("pipeline: [{use: redakt}]\n")
    assert "redact" in refused(shop, "shop:app", "--config", "wrong.yaml")


def test_an_app_whose_start_fails_ends_the_start_with_its_message(shop: Path) -> None:
    (shop / "failing.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'the shop has no database'})\n"
    )
    (shop / "empty.yaml").write_text("pipeline: []\n")
    assert "the shop has no database" in refused(shop, "failing:app", "--config", "empty.yaml")


def test_a_key_that_was_made_up_does_not_guard_what_strangers_reach(shop: Path) -> None:
    (shop / "keyed.yaml").write_text("gateway: {middleware: {auth: gateway}}\n")
    said = refused(shop, "shop:app", "--config", "keyed.yaml", "--host", "0.0.0.0")
    assert "needs a key first" in said


def test_with_auth_inner_any_address_will_do(shop: Path) -> None:
    with gateway(CONFIG, shop, "--host", "0.0.0.0", command="wrap shop:app", env=NO_KEY) as one:
        assert one.stop() == 0


# The document


def blocks(kind: str) -> dict[str, str]:
    """The document's blocks of a kind by the file name in their first line."""
    found = re.findall(rf"^```{kind}\n# (\S+)\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the document, and an app without the middleware that is called bare there."""
    folder = tmp_path_factory.mktemp("documented")
    for name, text in {**blocks("yaml"), **blocks("python")}.items():
        (folder / name).write_text(text)
    added = 'app.add_middleware(CognitudeMiddleware, config="plugins.yaml")\n'
    shop = blocks("python")["shop.py"]
    assert added in shop
    (folder / "bare.py").write_text(
        shop.replace(added, "").replace(
            '[Route("/v1', '[Route("/api/v3/chat/completions", chat, methods=["POST"]), Route("/v1'
        )
    )
    return folder


SECRET = "ada@example.com"
PROGRAM = f"""
import json, sys
from importlib import import_module
from starlette.testclient import TestClient

app = import_module(sys.argv[1]).app
messages = [{{"role": "user", "content": "I am {SECRET}"}}]
with TestClient(app) as client:
    answer = client.post(sys.argv[2], json={{"model": "m", "messages": messages}})
print(json.dumps([answer.json()["choices"][0]["message"]["content"], dict(answer.headers)]))
"""


@pytest.mark.parametrize(
    ("module", "path"), [("shop", CHAT), ("wrapped", CHAT), ("elsewhere", "/api/v3/chat/completions")]
)
def test_the_documents_programs_run(documented: Path, module: str, path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, path],
        cwd=documented,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{documented}:{Path(__file__).parents[2]}"},
    )
    assert done.returncode == 0, done.stderr
    text, headers = json.loads(done.stdout)
    assert text == f"You said: I am {SECRET}"
    assert headers["x-cognitude-source"] == "provider"


def test_the_documents_command_runs(documented: Path) -> None:
    [command] = re.findall(r"^```sh\ncognitude (wrap .*)\n```", DOCUMENT.read_text(), re.MULTILINE)
    port = free_port()
    words = command.replace("8080", str(port)).split()
    with running(words, documented, CHAT, port, NO_KEY) as one, httpx.Client(trust_env=False) as client:
        answer = client.post(one.url + CHAT, json=HELLO)
        assert answer.json()["choices"][0]["message"]["content"] == "You said: Hello"


def test_the_documents_configurations_are_valid(documented: Path) -> None:
    env = {**os.environ, "WEB_KEY": "web-key-0123456789", "INNER_KEY": "inner-key-0123456789"}
    for name in blocks("yaml"):
        done = subprocess.run(
            [*CLI, "check", "--config", name], cwd=documented, capture_output=True, text=True, env=env, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
