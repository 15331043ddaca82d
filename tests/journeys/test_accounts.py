"""An organization's life with its keys on a gateway of two workers; and the page about it, as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import Postgres
from tests.journeys.wire import CHAT
from tests.processes import ADMIN_KEY, CLI, Running, gateway

DOCUMENT = Path(__file__).parents[2] / "docs" / "accounts.md"
MODELS = "models: [{name: sim, provider: simulated/echo}, {name: gpt-sim, provider: simulated/echo}]\n"
HELLO = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
PROMISED_SECONDS = 5.0


@pytest.fixture
def one(tmp_path: Path, database_url: str) -> Iterator[Running]:
    config = (
        f"gateway: {{drain: {{announce_seconds: 0}}}}\nservices: {{database: {json.dumps(database_url)}}}\n{MODELS}"
    )
    with gateway(config, tmp_path, "--workers", "2") as running:
        yield running


def cognitude(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*CLI, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def status(one: Running, key: str) -> int:
    """On a connection of its own: each goes to one of the workers."""
    with one.client(key=key) as client:
        return client.post(CHAT, json=HELLO).status_code


def statuses(one: Running, key: str, times: int = 12) -> set[int]:
    return {status(one, key) for _ in range(times)}


def settled(one: Running, key: str, expected: int) -> float:
    """Seconds until the last answer with another status was asked for; then twelve in a row had this one."""
    started, last, in_a_row = time.monotonic(), 0.0, 0
    while in_a_row < 12:
        asked = time.monotonic() - started
        assert asked < 30.0, f"never {expected} everywhere"
        right = status(one, key) == expected
        last, in_a_row = (last, in_a_row + 1) if right else (asked, 0)
    return last


def test_a_key_made_anywhere_works_everywhere_at_once_and_ends_in_time(one: Running, tmp_path: Path) -> None:
    cognitude(tmp_path, "org", "create", "Acme")
    key = cognitude(tmp_path, "key", "create", "--organization", "acme", "--role", "admin")
    assert statuses(one, key) == {200}, "at the first call, although no worker had read it"

    with one.client(key=key) as client:
        made = client.post("/admin/keys", json={"models": ["gpt-*"]})
        assert made.status_code == 201, made.text
        other = made.json()["secret"]
        assert client.post("/admin/organizations", json={"name": "Mine"}).status_code == 403
    assert 200 not in statuses(one, other), "another model than its own"
    with one.client(key=other) as client:
        assert client.post(CHAT, json={**HELLO, "model": "gpt-sim"}).status_code == 200
        assert client.get("/admin/keys").status_code == 403

    new = cognitude(tmp_path, "key", "rotate", key.split("_")[1], "--overlap", "0s")
    assert statuses(one, new) == {200}
    assert settled(one, key, 401) < PROMISED_SECONDS
    with one.client(key=ADMIN_KEY) as client:
        assert client.delete(f"/admin/keys/{made.json()['id']}").status_code == 200
    assert settled(one, other, 401) < PROMISED_SECONDS
    cognitude(tmp_path, "org", "disable", "acme")
    assert settled(one, new, 401) < PROMISED_SECONDS
    assert "Traceback" not in one.text()
    for secret in (key, other, new):
        assert secret[21:] not in one.text()


def test_a_key_that_is_revoked_makes_no_other_on_any_worker(one: Running, tmp_path: Path) -> None:
    """At once, although the other worker still lets it in for a second."""
    cognitude(tmp_path, "org", "create", "Acme")
    key = cognitude(tmp_path, "key", "create", "--organization", "acme", "--role", "admin")
    for _ in range(12):
        with one.client(key=key) as client:
            assert client.get("/admin/keys").status_code == 200
    with one.client(key=ADMIN_KEY) as root:
        assert root.delete(f"/admin/keys/{key.split('_')[1]}").status_code == 200
    for _ in range(12):
        with one.client(key=key) as client:
            assert client.post("/admin/keys", json={"role": "admin"}).status_code == 401
    with one.client(key=ADMIN_KEY) as root:
        assert len(root.get("/admin/keys", params={"organization": "acme"}).json()["data"]) == 1


def test_keys_stay_in_force_while_the_database_is_down(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    config = f"services: {{database: {json.dumps(postgres_url)}}}\n{MODELS}"
    with gateway(config, tmp_path) as one:
        cognitude(tmp_path, "org", "create", "Acme")
        key = cognitude(tmp_path, "key", "create", "--organization", "acme", "--role", "admin")
        assert statuses(one, key, 2) == {200}
        with postgres.frozen():
            until = time.monotonic() + 6.0
            while time.monotonic() < until:
                assert statuses(one, key, 2) == {200}
            with one.client(key=key) as client:
                assert client.post("/admin/keys", json={}).status_code == 503
                assert client.get("/health").json()["database"]["status"] == "degraded"
        assert settled(one, key, 200) < 20.0
        with one.client(key=key) as client:
            assert client.get("/admin/keys").status_code == 200


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """All of its commands, in their order, in one shell beside a running gateway."""
    with gateway(MODELS, tmp_path) as one:
        script = "\n".join(
            [
                "set -e",
                'curl() { command curl --silent --show-error --fail-with-body "$@"; echo; }',
                *(block.replace("http://127.0.0.1:8080", one.url) for block in blocks()),
            ]
        )
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "COGNITUDE_ADMIN_KEY": ADMIN_KEY, "no_proxy": "*"}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert len(blocks()) >= 6
        assert '"name":"ada"' in done.stdout
        assert "is disabled" in done.stdout
        listed = httpx.get(
            f"{one.url}/admin/keys", headers={"authorization": f"Bearer {ADMIN_KEY}"}, trust_env=False, timeout=20
        ).json()
        assert len(listed["data"]) == 4
