"""What is not a model call passes, a websocket too, where the library for it is installed."""

from __future__ import annotations

from pathlib import Path

import httpx
from websockets.sync.client import connect

from tests.processes import gateway

APP = """
async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"].upper()})
        await send({"type": "websocket.close", "code": 1000})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
"""


def test_a_websocket_of_the_app_behind_is_served_beside_its_requests(tmp_path: Path) -> None:
    (tmp_path / "echo_app.py").write_text(APP)
    with gateway("models: []\n", tmp_path, command="wrap echo_app:app") as one:
        with connect(one.url.replace("http", "ws") + "/realtime") as socket:
            socket.send("hello")
            assert socket.recv() == "HELLO"
        assert httpx.get(one.url + "/other", trust_env=False).status_code == 204
