"""Organizations' own keys for providers on a running gateway: who pays for whose call; and the page about it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.recorder import Received, Recorder, answer, recording
from tests.journeys.wire import CHAT
from tests.processes import ADMIN_KEY, KEY, Running, gateway

DOCUMENT = Path(__file__).parents[2] / "docs" / "credentials.md"
PATH = "/providers/config"
HELLO = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
OTHER_KEY = "other-key-0123456789abcdef0123456789"
CANARY = "sk-canary-0c2e5f8a71"
PROMISED_SECONDS = 5.0


def config(upstream: Recorder, database: str, outbound: str = "") -> str:
    keys = json.dumps([{"id": "other", "secret": OTHER_KEY, "organization": "other", "role": "admin"}])
    model = {
        "name": "gpt",
        "provider": "openai/gpt-real",
        "base_url": f"{upstream.url}/v1",
        "api_key": "sk-gateways",
        "headers": {"openai-organization": "operators", "x-region": "eu"},
    }
    return (
        f"gateway: {{drain: {{announce_seconds: 0}}, keys: {keys}, {outbound}}}\n"
        f"services: {{database: {json.dumps(database)}}}\nmodels: [{json.dumps(model)}]\n"
    )


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recording() as one:
        yield one


def used(one: Running, upstream: Recorder, key: str) -> str:
    """With which credential a call of this key arrives. On a connection of its own: each goes to one of the workers."""
    with one.client(key=key) as client:
        assert client.post(CHAT, json=HELLO).status_code == 200
    [credential] = upstream.received[-1].header("authorization")
    return credential.removeprefix("Bearer ")


def settled(one: Running, upstream: Recorder, key: str, expected: str) -> float:
    """Seconds until the last call with another credential; then twelve in a row had this one."""
    started, last, in_a_row = time.monotonic(), 0.0, 0
    while in_a_row < 12:
        asked = time.monotonic() - started
        assert asked < 30.0, f"never {expected} everywhere"
        right = used(one, upstream, key) == expected
        last, in_a_row = (last, in_a_row + 1) if right else (asked, 0)
    return last


def test_each_organization_calls_with_its_own_key_on_every_worker(
    upstream: Recorder, database_url: str, tmp_path: Path
) -> None:
    with gateway(config(upstream, database_url), tmp_path, "--workers", "2") as one:
        assert used(one, upstream, KEY) == "sk-gateways"
        body = {"provider": "openai", "api_key": CANARY, "enabled": True}
        with one.client() as client:
            made = client.post(PATH, json=body)
            assert made.status_code == 201, made.text
            listed = client.get(PATH).text
        assert CANARY not in made.text + listed
        assert settled(one, upstream, KEY, CANARY) < PROMISED_SECONDS
        assert upstream.received[-1].header("x-region") == ["eu"]
        assert upstream.received[-1].header("openai-organization") == []
        assert used(one, upstream, OTHER_KEY) == "sk-gateways"
        with one.client(key=OTHER_KEY) as client:
            assert client.get(PATH).json()["data"] == []
            assert client.delete(PATH, params={"provider": "openai"}).status_code == 404
            assert client.post(PATH, json={**body, "api_key": "sk-others"}).status_code == 201
        assert settled(one, upstream, OTHER_KEY, "sk-others") < PROMISED_SECONDS
        assert used(one, upstream, KEY) == CANARY
        with one.client(key=ADMIN_KEY) as client:
            query = {"organization": "default", "provider": "openai"}
            assert client.delete(PATH, params=query).status_code == 200
        assert settled(one, upstream, KEY, "sk-gateways") < PROMISED_SECONDS
        assert used(one, upstream, OTHER_KEY) == "sk-others"
        assert one.stop() == 0
        assert CANARY not in one.text()
        assert "Traceback" not in one.text()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file


def test_the_key_outlives_a_restart_and_is_nothing_without_the_secret(
    upstream: Recorder, sqlite_url: str, tmp_path: Path
) -> None:
    with gateway(config(upstream, sqlite_url), tmp_path) as one, one.client() as client:
        assert client.post(PATH, json={"provider": "openai", "api_key": CANARY}).status_code == 201
    with gateway(config(upstream, sqlite_url), tmp_path) as one:
        assert used(one, upstream, KEY) == CANARY
    (tmp_path / ".cognitude" / "secret.key").unlink()
    with pytest.raises(AssertionError, match="another secret key"), gateway(config(upstream, sqlite_url), tmp_path):
        pass


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 302, 200])
def test_a_provider_that_quotes_the_key_does_not_get_it_into_the_log(
    upstream: Recorder, sqlite_url: str, tmp_path: Path, status: int
) -> None:
    def quoting(received: Received) -> bytes:
        said = f"Incorrect API key provided: {received.header('authorization')[0]}"
        return answer(status, said.encode(), f"x-said: {said}", kind="text/plain")

    upstream.answer = quoting
    with gateway(config(upstream, sqlite_url), tmp_path) as one, one.client() as client:
        assert client.post(PATH, json={"provider": "openai", "api_key": CANARY}).status_code == 201
        told = client.post(CHAT, json=HELLO)
        assert told.status_code >= 400
        if status in (401, 403):
            assert "your organization's own credential" in told.json()["error"]["message"]
        assert CANARY not in told.text + str(told.headers)
        one.stop()
        assert CANARY not in one.text()


def test_an_address_of_ones_own_is_called_where_the_operator_allows_it(
    upstream: Recorder, sqlite_url: str, tmp_path: Path
) -> None:
    outbound = "outbound: {allow: [127.0.0.0/8], allow_http: true}"
    with recording() as own:
        body = {"provider": "openai", "api_key": "sk-mine", "base_url": f"{own.url}/mine/v1"}
        with gateway(config(upstream, sqlite_url), tmp_path) as one, one.client() as client:
            assert client.post(PATH, json=body).status_code == 422
        with gateway(config(upstream, sqlite_url, outbound), tmp_path) as one, one.client() as client:
            assert client.post(PATH, json=body).status_code == 201
            assert client.post(CHAT, json=HELLO).status_code == 200
        [received] = own.received
        assert received.line == "POST /mine/v1/chat/completions HTTP/1.1"
        assert received.header("authorization") == ["Bearer sk-mine"]
        assert received.header("x-region") == received.header("openai-organization") == []
        assert upstream.received == []
        with gateway(config(upstream, sqlite_url), tmp_path) as one, one.client() as client:
            refused = client.post(CHAT, json=HELLO)
            assert (refused.status_code, refused.json()["error"]["code"]) == (502, "provider_refused")
        assert (len(own.received), upstream.received) == (1, [])


def blocks() -> list[str]:
    found = re.findall(r"^ *```sh\n(.*?)^ *```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    return [str(block) for block in found]


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """All of its commands, in their order, in one shell beside a running gateway."""
    with gateway("models: [{name: sim, provider: simulated/echo}]\n", tmp_path) as one:
        script = "\n".join(
            [
                "set -e",
                'curl() { command curl --silent --show-error --fail-with-body "$@"; echo; }',
                *(block.replace("http://127.0.0.1:8080", one.url) for block in blocks()),
            ]
        )
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        keys = {"COGNITUDE_API_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY}
        env = {**os.environ, **keys, "PATH": path, "no_proxy": "*"}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100, check=False
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert len(blocks()) == 3
    assert '"deleted":true' in done.stdout
    assert "0 providers' keys encrypted anew" in done.stdout
