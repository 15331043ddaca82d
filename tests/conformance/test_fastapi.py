"""The middleware in and around a FastAPI app. Run by ``make conformance``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cognitude_plugins.gateway.middleware import CognitudeMiddleware
from hooks.testing import chunks_of, completion

CHAT = "/v1/chat/completions"
MAIL = "ada@example.com"
BODY = {"model": "m", "messages": [{"role": "user", "content": f"I am {MAIL}"}]}


def app_of(seen: list[Any], **options: Any) -> Any:
    from fastapi import Depends, FastAPI, Header, HTTPException
    from fastapi.responses import StreamingResponse

    def known(authorization: str = Header()) -> None:
        if authorization != "Bearer good":
            raise HTTPException(401, "who are you?")

    app = FastAPI(**options)

    @app.post(CHAT, dependencies=[Depends(known)])
    async def chat(body: dict[str, Any]) -> Any:
        seen.append(body)
        text = body["messages"][-1]["content"]
        if not body.get("stream"):
            return completion(text)
        return StreamingResponse(events(text), media_type="text/event-stream")

    @app.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    return app


async def events(text: str) -> AsyncIterator[bytes]:
    for event in chunks_of(*(text[at : at + 5] for at in range(0, len(text), 5))):
        yield b"data: " + json.dumps(event).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "plugins.yaml"
    path.write_text("pipeline: [{use: redact}]\n")
    return path


@pytest.mark.parametrize("added", [True, False])
def test_a_plugin_works_on_what_goes_in_and_what_comes_out(config: Path, added: bool) -> None:
    seen: list[Any] = []
    app = app_of(seen)
    if added:
        app.add_middleware(CognitudeMiddleware, config=config, environ={})
    served = app if added else CognitudeMiddleware(app, config, {})
    with TestClient(served, headers={"authorization": "Bearer good"}) as client:
        whole = client.post(CHAT, json=BODY).json()["choices"][0]["message"]["content"]
        streamed = client.post(CHAT, json={**BODY, "stream": True}).text
        assert client.get("/items/7").json() == {"number": 7}
        assert client.get("/items/x").status_code == 422
        assert CHAT in client.get("/openapi.json").json()["paths"]
    assert whole == f"I am {MAIL}"
    parts = [json.loads(line[6:]) for line in streamed.split("\n\n") if line.startswith("data: {")]
    assert "".join(part["choices"][0]["delta"].get("content") or "" for part in parts) == f"I am {MAIL}"
    assert MAIL not in json.dumps(seen)


def test_the_apps_own_refusals_arrive_in_its_own_words(config: Path) -> None:
    with TestClient(CognitudeMiddleware(app_of([]), config, {})) as client:
        wrong = client.post(CHAT, json=BODY, headers={"authorization": "Bearer bad"})
        assert (wrong.status_code, wrong.json()) == (401, {"detail": "who are you?"})
        missing = client.post(CHAT, json=BODY)
        assert missing.status_code == 422
        assert missing.json()["detail"][0]["loc"] == ["header", "authorization"]


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_an_app_that_says_itself_where_it_is_mounted_has_no_way_round(config: Path) -> None:
    seen: list[Any] = []
    wrapped = CognitudeMiddleware(app_of(seen, root_path="/proxy"), config, {})
    with TestClient(wrapped, headers={"authorization": "Bearer good"}) as client:
        for path in (CHAT, "/proxy" + CHAT):
            answer = client.post(path, json=BODY)
            assert answer.json()["choices"][0]["message"]["content"] == f"I am {MAIL}"
            assert "x-cognitude-source" in answer.headers
    assert len(seen) == 2
    assert MAIL not in json.dumps(seen)
