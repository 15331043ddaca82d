"""Somebody who reads the first page of alert_channels has an alert, and knows that it arrives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import cognitude_plugins.alert_channels as package
from cognitude_plugins.gateway.runtime import build
from tests.processes import ADMIN_KEY, KEY, gateway

README = (Path(package.__file__).parent / "README.md").read_text()
BASE = """
gateway: {outbound: {allow: [127.0.0.0/8], allow_http: true}}
models: [{name: sim, provider: simulated/echo}]
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", [one for one in blocks("yaml") if one.startswith("pipeline:")])
def test_a_configuration_of_the_readme_has_no_problems(block: str, tmp_path: Path) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(BASE + block)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", block), "https://hooks.example.com/0123456789abcdef")
    assert build(path, variables).loaded


@contextmanager
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    found: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/slack", found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_first_page_leads_to_an_alert(tmp_path: Path) -> None:
    with receiver() as (url, found), gateway(BASE + blocks("yaml")[0], tmp_path, env={"SLACK_URL": url}) as one:
        commands = blocks("sh")[0].replace("http://127.0.0.1:8080", one.url)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        keys = {"COGNITUDE_API_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_URL": one.url, "SLACK_URL": url}
        env = {**os.environ, **keys, "PATH": path, "no_proxy": "*"}
        commands = commands.replace("curl ", "curl --silent --fail ")
        done = subprocess.run(
            ["sh", "-ec", commands], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"delivered":true' in done.stdout
    assert "errors: error_rate > 0.05 over 15m" in done.stdout
    assert "month: default per month" in done.stdout
    assert done.stdout.endswith("nothing fires\n")
    [message] = found
    assert b"The channel ops works" in message
