"""A type of channel as a stranger would ship it: installed by path, used from YAML and over HTTP, careless."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.processes import ADMIN_KEY, CLI, KEY, gateway

PACKAGE = Path(__file__).parent / "cognitude-pigeon"
RING = "ring-canary-7b1f"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the package as pip installs it, and what is on the path already."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*install, "--disable-pip-version-check", "--target", str(target), str(PACKAGE)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH", "")]))


@contextmanager
def loft(status: list[int], heard: list[tuple[str, str]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.headers["x-ring"], self.rfile.read(int(self.headers["content-length"])).decode()))
            self.send_response(status[0])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/in"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def config(url: str) -> str:
    return f"""
gateway: {{outbound: {{allow: [127.0.0.0/8], allow_http: true}}}}
models: [{{name: sim, provider: simulated/echo}}]
pipeline:
  - use: alert_channels
    config: {{channels: {{loft: {{type: pigeon, url: "{url}", ring: "{RING}"}}}}}}
"""


def test_it_is_used_like_our_own(site: str, tmp_path: Path) -> None:
    status, heard = [200], list[tuple[str, str]]()
    with (
        loft(status, heard) as url,
        gateway(config(url), tmp_path, env={"PYTHONPATH": site}) as one,
        one.client(key=ADMIN_KEY) as root,
        one.client(key=KEY) as admin,
    ):
        assert tried(root, "yaml:loft") == {"delivered": True, "detail": "200 for **********"}
        settings = {"url": url, "ring": RING}
        made = admin.post("/alerts/channels", json={"name": "mine", "type": "pigeon", "settings": settings})
        assert made.status_code == 201, made.text
        assert made.json()["settings"] == {"url": url, "ring": "**********"}
        assert tried(admin, made.json()["id"])["delivered"]
        assert heard == [(RING, "info: The channel loft works"), (RING, "info: The channel mine works")]
        status[0] = 418
        failed = {"delivered": False, "detail": "the type of channel pigeon failed with RuntimeError"}
        assert tried(admin, made.json()["id"]) == failed
        wrong = admin.post("/alerts/channels", json={"name": "x", "type": "pigoen", "settings": settings})
        assert "did you mean 'pigeon'?" in wrong.json()["error"]["message"]
        bad = admin.post(
            "/alerts/channels", json={"name": "x", "type": "pigeon", "settings": {**settings, "url": "ftp://x"}}
        )
        assert (bad.status_code, bad.json()["error"]["param"]) == (400, "settings.url")
    assert RING not in one.text()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "plugins.yaml"]
    assert not [path for path in written if RING.encode() in path.read_bytes()]


def tried(http: httpx.Client, id: str) -> dict[str, Any]:
    answer = http.post(f"/alerts/test/{id}")
    assert answer.status_code == 200, answer.text
    return {name: answer.json()[name] for name in ("delivered", "detail")}


def test_mistakes_are_told_with_their_place_and_without_what_may_be_a_secret(site: str, tmp_path: Path) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(config("https://example.com").replace("ring: ", "rign: "))
    environ = {**os.environ, "PYTHONPATH": site}
    done = subprocess.run([*CLI, "check", "--config", str(path)], capture_output=True, text=True, env=environ)
    assert done.returncode == 1
    assert "pipeline[0].config.channels.loft.rign" in done.stdout + done.stderr
    assert "did you mean 'ring'?" in done.stdout + done.stderr
    assert RING not in done.stdout + done.stderr
