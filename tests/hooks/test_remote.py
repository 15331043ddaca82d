"""What a plugin's commands ask of a running gateway, over a socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import click
import pytest

from hooks.remote import Remote


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked; ``/never`` has no end."""

    def do_GET(self) -> None:
        if self.path.startswith("/never"):
            self.server.let_go.wait(10)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path, "key": self.headers.get("authorization")}).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("COGNITUDE_API_KEY", "of-the-organization")
    monkeypatch.setenv("COGNITUDE_ADMIN_KEY", "of-an-admin")
    server = HTTPServer(("127.0.0.1", 0), Echo)
    server.let_go = threading.Event()  # type: ignore[attr-defined]
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.let_go.set()  # type: ignore[attr-defined]
    server.shutdown()
    serving.join()
    server.server_close()


def test_whoever_names_an_organization_comes_as_an_admin(url: str) -> None:
    assert Remote(url=url).ask("GET", "/x") == {"path": "/x", "key": "Bearer of-the-organization"}
    found = Remote(url=url, organization="acme").ask("GET", "/x", query={"a": "1", "b": ""})
    assert found == {"path": "/x?organization=acme&a=1", "key": "Bearer of-an-admin"}


def test_what_anybody_may_see_is_asked_without_a_key(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COGNITUDE_ADMIN_KEY")
    assert Remote(url=url, organization="acme").ask("GET", "/health", public=True) == {"path": "/health", "key": None}


def test_an_answer_is_waited_for_as_long_as_was_said(url: str) -> None:
    with pytest.raises(click.ClickException, match=r"no gateway answers at .*timed out"):
        Remote(url=url, seconds=0.05).ask("GET", "/never")
