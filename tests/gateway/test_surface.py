"""What is answered beside the model calls: errors of the gateway's own, each under an id that the log has too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.app import create_app
from cognitude_plugins.gateway.prices import PriceBook
from tests.gateway.calls import CHAT, YAML, Client
from tests.gateway.test_endpoints import journal


async def failed(app: Any, client: Client) -> str:
    """The id of the answer to a request on which the gateway fails."""
    with pytest.raises((AttributeError, RuntimeError)):
        await app(client.scope, client.receive, client.send)
    assert (client.status, client.json["error"]["code"]) == (500, "internal_error")
    assert [name for name, _ in client.messages[0]["headers"]].count(b"x-request-id") == 1
    return client.headers["x-request-id"]


async def test_a_failure_of_ours_has_an_id_under_which_it_is_in_log_and_ledger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "plugins.yaml").write_text(YAML)
    app = create_app(tmp_path / "plugins.yaml", {})
    await app.start()
    try:
        app.runtime.prices = PriceBook(own={"up": "not a price"})  # type: ignore[dict-item]
        id = await failed(app, Client(CHAT))
        assert id.encode() in journal(tmp_path)
    finally:
        await app.stop()
    assert f"request {id} failed: AttributeError" in caplog.messages


async def test_an_endpoint_that_fails_is_answered_with_an_id_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "failing.py").write_text(
        "from starlette.routing import Route\n"
        "from hooks import hookimpl, operation\n"
        "@operation('Fail', access='public')\n"
        "async def fail(request):\n    raise RuntimeError('no')\n"
        "@hookimpl\ndef routes():\n    return [Route('/fail', fail)]\n"
    )
    (tmp_path / "plugins.yaml").write_text(YAML.replace("pipeline: []", "pipeline: [{use: ./failing.py}]"))
    client = Client()
    client.scope.update({"path": "/fail", "method": "GET", "query_string": b"", "root_path": ""})
    id = await failed(create_app(tmp_path / "plugins.yaml", {}), client)
    assert re.fullmatch(r"req_[0-9a-f]{32}", id)
    assert f"request {id} failed: RuntimeError" in caplog.messages


BRIEF = """
from hooks import Reply, hookimpl, operation
from starlette.routing import Route


@operation("Answer briefly", access="member", serves="chat", responses={200: {"type": "object"}})
def brief(body):
    if "max_tokens" in body:
        return Reply.error(400, "No.", param="max_tokens")
    return {**body, "model": "sim", "max_tokens": 3}


@hookimpl
def routes():
    return [Route("/v1/brief", brief, methods=["POST"])]
"""


async def test_a_plugins_model_call_takes_the_path_of_every_other(tmp_path: Path) -> None:
    (tmp_path / "brief.py").write_text(BRIEF)
    (tmp_path / "plugins.yaml").write_text(YAML.replace("pipeline: []", "pipeline: [{use: ./brief.py}]"))
    app = create_app(tmp_path / "plugins.yaml", {})
    await app.start()
    try:

        async def ask(body: Any, **headers: str) -> Client:
            client = Client(body, headers=headers)
            client.scope.update({"path": "/v1/brief", "query_string": b"", "root_path": ""})
            await app(client.scope, client.receive, client.send)
            return client

        messages = [{"role": "user", "content": "one two three four five"}]
        whole = await ask({"messages": messages})
        assert (whole.status, whole.json["usage"]["completion_tokens"]) == (200, 3)
        assert whole.headers["x-cognitude-model"] == "sim"
        assert [name for name, _ in whole.messages[0]["headers"]].count(b"x-request-id") == 1
        assert whole.headers["x-request-id"].encode() in journal(tmp_path)
        streamed = await ask({"messages": messages, "stream": True})
        assert streamed.headers["content-type"].startswith("text/event-stream")
        refused = await ask({"messages": messages, "max_tokens": 9})
        assert (refused.status, refused.json["error"]["param"]) == (400, "max_tokens")
        assert (await ask({"messages": 1})).json["error"]["param"] == "messages"
        assert (await ask({"messages": messages}, authorization="Bearer wrong-secret-key-0")).status == 401
        client = Client()
        client.scope.update({"path": "/v1/brief", "method": "GET", "query_string": b"", "root_path": ""})
        await app(client.scope, client.receive, client.send)
        assert client.status == 405
    finally:
        await app.stop()


async def test_a_plugins_model_call_is_documented_as_one(tmp_path: Path) -> None:
    (tmp_path / "brief.py").write_text(BRIEF)
    (tmp_path / "plugins.yaml").write_text(YAML.replace("pipeline: []", "pipeline: [{use: ./brief.py}]"))
    client = Client()
    client.scope.update({"path": "/openapi.json", "method": "GET", "query_string": b"", "root_path": ""})
    app = create_app(tmp_path / "plugins.yaml", {})
    await app(client.scope, client.receive, client.send)
    described = client.json["paths"]["/v1/brief"]["post"]
    assert "x-cognitude-dry-run" in [one["name"] for one in described["parameters"]]
    assert {"200", "401", "404", "429", "502"} <= described["responses"].keys()
