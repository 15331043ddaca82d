"""Limits changed while the gateway runs: by whom they may be, in every worker, and for nobody else (S4, S11)."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import cognitude_plugins.limiter as package
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO
from tests.processes import ADMIN_KEY, CLI, KEY, Running, gateway

CONFIG = """
models:
  - {name: sim, provider: simulated/echo}
pipeline:
  - use: limiter
    config:
      limits:
        - {scope: organization, unit: requests, per: day, limit: 1000}
"""
WORKERS = 2
EFFECTIVE_SECONDS = 2.0
"""After which a change is in force on every worker."""
DAY = {"scope": "organization", "unit": "requests", "per": "day"}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two workers, each of which has its half of every limit."""
    with gateway(CONFIG, tmp_path_factory.mktemp("limits"), "--workers", str(WORKERS)) as running:
        yield running


def organization(one: Running, id: str) -> str:
    """A new one; the key of its admin."""
    with one.client(key=ADMIN_KEY) as root:
        root.post("/admin/organizations", json={"id": id, "name": id.title()}).raise_for_status()
        made = root.post("/admin/keys", json={"organization": id, "role": "admin"}).raise_for_status()
    secret: str = made.json()["secret"]
    assert eventually(lambda: set(statuses(one, secret, 6, "/v1/models")) == {200})
    return secret


def statuses(one: Running, key: str, count: int = 40, path: str = CHAT) -> Counter[int]:
    """On connections of their own, so that every worker is asked."""
    with one.client(key=key, limits=httpx.Limits(max_keepalive_connections=0)) as http:
        ask = [http.post(path, json=HELLO) if path == CHAT else http.get(path) for _ in range(count)]
    return Counter(answer.status_code for answer in ask)


def soon(one: Running, key: str, status: int) -> bool:
    """Whether every worker answers so within the time in which a change is in force; on a busy machine, a bit later."""
    return eventually(lambda: statuses(one, key, 20) == {status: 20}, 3 * EFFECTIVE_SECONDS)


def known(one: Running, key: str) -> None:
    """Wait until every worker has what was set or reset: by itself within two seconds, or on a busy machine now."""
    time.sleep(EFFECTIVE_SECONDS)
    assert statuses(one, key, 20, "/rate-limits/config") == {200: 20}


def admitted(one: Running, key: str) -> int:
    """How many calls are let in until no worker lets any in."""
    count = quiet = 0
    while quiet < 3:
        found = statuses(one, key, 20)
        assert found.keys() <= {200, 429}
        count += found[200]
        quiet = 0 if found[200] else quiet + 1
    return count


def config(one: Running, key: str, method: str = "GET", *limits: Any, query: str = "", status: int = 200) -> Any:
    with one.client(key=key) as http:
        body = {"limits": list(limits)} if method == "PUT" else None
        answer = http.request(method, f"/rate-limits/config{query}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_what_a_gateway_admin_sets_is_soon_in_force_on_every_worker(one: Running) -> None:
    key, other = organization(one, "acme"), organization(one, "bystander")
    for_acme = "?organization=acme"
    assert statuses(one, key) == {200: 40}
    config(one, ADMIN_KEY, "PUT", {**DAY, "limit": WORKERS * 3}, query=for_acme)
    assert soon(one, key, 429)
    with one.client(key=ADMIN_KEY) as root:
        assert root.post(f"/rate-limits/reset{for_acme}").json()["counters"] == "all"
    known(one, key)
    assert admitted(one, key) == WORKERS * 3
    assert statuses(one, other) == {200: 40}
    config(one, ADMIN_KEY, "DELETE", query=for_acme)
    assert soon(one, key, 200)


def test_an_organization_limits_itself_and_cannot_widen_what_others_have_set(one: Running) -> None:
    key = organization(one, "widener")
    config(one, ADMIN_KEY, "PUT", {**DAY, "limit": WORKERS * 2}, query="?organization=widener")
    known(one, key)
    assert admitted(one, key) == WORKERS * 2
    attempts: list[tuple[str, Any, int]] = [
        ("PUT", {"limits": [{**DAY, "limit": 10**6}]}, 200),
        ("PUT", {"limits": [{**DAY, "limit": 10**6, "origin": "operator"}]}, 400),
        ("PUT", {"limits": [], "layer": "operator"}, 400),
        ("PUT", {"limits": []}, 200),
        ("DELETE", None, 404),
    ]
    with one.client(key=key) as http:
        for method, body, status in attempts:
            assert http.request(method, "/rate-limits/config", json=body).status_code == status
        assert http.post("/rate-limits/reset").json()["counters"] == "own"
    known(one, key)
    assert statuses(one, key) == {429: 40}
    assert config(one, key)["layers"]["operator"]["limits"][0]["limit"] == WORKERS * 2


def test_an_organizations_own_limit_holds_and_can_be_reset_by_itself(one: Running) -> None:
    key = organization(one, "thrifty")
    config(one, key, "PUT", {**DAY, "limit": WORKERS * 2})
    known(one, key)
    assert admitted(one, key) == WORKERS * 2
    with one.client(key=key) as http:
        http.post("/rate-limits/reset").raise_for_status()
    known(one, key)
    assert admitted(one, key) == WORKERS * 2
    config(one, key, "DELETE")
    assert soon(one, key, 200)


def test_one_key_has_limits_of_its_own(one: Running) -> None:
    key = organization(one, "keyed")
    with one.client(key=ADMIN_KEY) as root:
        made = root.post("/admin/keys", json={"organization": "keyed", "role": "member"}).raise_for_status().json()
    limit = {**DAY, "scope": "key", "limit": WORKERS}
    config(one, ADMIN_KEY, "PUT", limit, query=f"?organization=keyed&key={made['id']}")
    known(one, made["secret"])
    assert admitted(one, made["secret"]) == WORKERS
    assert statuses(one, key) == {200: 40}


def test_what_is_of_another_organization_can_be_neither_seen_nor_changed(one: Running) -> None:
    mine, theirs = organization(one, "mine"), organization(one, "theirs")
    config(one, theirs, "PUT", {**DAY, "limit": 77})
    before = config(one, theirs)
    with one.client(key=mine) as http:
        for method, path in (
            ("GET", "config"),
            ("PUT", "config"),
            ("DELETE", "config"),
            ("GET", "usage"),
            ("POST", "reset"),
        ):
            body: Any = {"limits": []} if method == "PUT" else None
            answer = http.request(method, f"/rate-limits/{path}?organization=theirs", json=body)
            unknown = http.request(method, f"/rate-limits/{path}?organization=nobody", json=body)
            assert (answer.status_code, answer.text) == (404, unknown.text)
    config(one, mine, "DELETE", status=404)
    assert "77" not in json.dumps(config(one, mine))
    assert config(one, theirs) == before


def test_what_is_set_outlasts_the_gateway(tmp_path: Path) -> None:
    with gateway(CONFIG, tmp_path) as first:
        config(first, KEY, "PUT", {**DAY, "limit": 3})
        assert first.stop() == 0
    with gateway(CONFIG, tmp_path) as second:
        assert statuses(second, KEY, 10) == {200: 3, 429: 7}


def run(one: Running, *words: str) -> subprocess.CompletedProcess[str]:
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "no_proxy": "*"}
    environ = {**os.environ, **keys, "COGNITUDE_CONFIG": str(one.log.parent / "plugins.yaml")}
    return subprocess.run([*CLI, *words], env=environ, capture_output=True, text=True, timeout=30, check=False)


def test_the_command_line_sets_shows_and_resets(one: Running) -> None:
    key = organization(one, "console")
    for_it = ("--organization", "console")
    done = run(one, "ratelimit", "set", *for_it, "--unit", "requests", "--per", "day", "--limit", str(WORKERS))
    assert done.returncode == 0, done.stderr
    assert "2 requests per day" in done.stdout
    known(one, key)
    assert admitted(one, key) == WORKERS
    shown = run(one, "ratelimit", "status", *for_it)
    assert re.search(r"^organization console: \d+ requests? per day +1 +0 +in ", shown.stdout, re.MULTILINE), (
        shown.stdout
    )
    assert run(one, "ratelimit", "reset", *for_it, "--yes").stdout == "console: all counters begin anew\n"
    known(one, key)
    assert admitted(one, key) == WORKERS
    wrong = run(one, "ratelimit", "set", *for_it, "--unit", "requests", "--per", "day", "--limit", "-1")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr == "Error: limit: Input should be greater than 0, not '-1'\n"
    help = run(one, "--help")
    assert "ratelimit" in help.stdout


def readme_commands() -> list[str]:
    text = (Path(package.__file__).parent / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if "ratelimit" in line or "rate-limits" in line]


def test_the_commands_of_the_readme_work(one: Running) -> None:
    commands = readme_commands()
    assert len(commands) > 5
    with one.client(key=ADMIN_KEY) as root:
        # Another test of this file may have made it, and left limits.
        root.post("/admin/organizations", json={"id": "acme", "name": "Acme"})
        root.delete("/rate-limits/config?organization=acme")
    for command in commands:
        if command.startswith("cognitude "):
            done = run(one, *shlex.split(command)[1:])
        else:
            moved = command.replace("http://127.0.0.1:8080", one.url) + " --silent --show-error --fail-with-body"
            environ = {**os.environ, "COGNITUDE_API_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY, "no_proxy": "*"}
            done = subprocess.run(
                ["sh", "-c", moved], env=environ, capture_output=True, text=True, timeout=30, check=False
            )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
