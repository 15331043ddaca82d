"""A budget is set, spent, told of at each threshold, and held to where it is hard; summaries come when asked for."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import ADMIN_KEY, CLI, KEY, Running, gateway

SECRET = "whsec_" + b64encode(b"budgets-are-told-of-with-this-key").decode()
CONFIG = """
gateway:
  outbound: {{allow: [127.0.0.0/8], allow_http: true}}
models:
  - name: dollar
    provider: simulated/small
    price: {{input: 0, output: 10000}}
    options: {{completion_tokens: 100}}
pipeline:
  - use: limiter
    config: {{limits: [{{scope: organization, unit: requests, per: minute, limit: 1000}}]}}
  - use: alert_channels
    config:
      channels:
        hook: {{type: webhook, url: "{url}", secret: "{secret}", organization: default, summaries: [daily]}}
      budgets:
        - {{name: everybody, amount_usd: 1000, per: day, organization: "*"}}
"""
ASKED = {"model": "dollar", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


@dataclass(frozen=True, slots=True)
class Receiver:
    url: str
    got: list[Any] = field(default_factory=list)

    def titles(self, kind: str = "firing") -> list[str]:
        return [one["data"]["title"] for one in self.got if one["type"].endswith(kind)]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """It takes what verifies."""
    server: ThreadingHTTPServer

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            one.got.append(Webhook(SECRET).verify(content, dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Not at all."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    one = Receiver(f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Place:
    one: Running
    hook: Receiver

    def spend(self, dollars: int) -> list[int]:
        with self.one.client() as http:
            return [http.post(CHAT, json=ASKED).status_code for _ in range(dollars)]

    def standing(self, id: str) -> Any:
        with self.one.client() as http:
            return http.get(f"/alerts/budgets/{id}").raise_for_status().json()["standing"]

    def evaluate(self) -> None:
        with self.one.client(key=ADMIN_KEY) as root:
            root.post("/admin/jobs/alert_channels.budgets/run").raise_for_status()

    def told(self, count: int) -> bool:
        """Whether so many alerts have come, after some time."""
        return eventually(lambda: len(self.hook.titles()) == count)

    def set(self, **body: Any) -> Any:
        with self.one.client() as http:
            return http.post("/alerts/budgets", json=body).raise_for_status().json()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with (
        receiver() as hook,
        gateway(CONFIG.format(url=hook.url, secret=SECRET), tmp_path) as one,
    ):
        yield Place(one, hook)


def test_a_budget_is_told_of_at_each_threshold_once(place: Place) -> None:
    made = place.set(name="team", amount_usd=4, per="month", forecast=False, scope="organization")
    expected: list[str] = []
    for dollars, title in (
        (1, None),
        (1, "is used to 50 %"),
        (2, "is exceeded"),
        (1, None),
    ):
        before = float(place.standing(made["id"])["spent_usd"])
        assert place.spend(dollars) == [200] * dollars
        assert eventually(lambda after=before + dollars: float(place.standing(made["id"])["spent_usd"]) == after)  # type: ignore[misc]
        for _ in range(2):
            place.evaluate()
        expected += [title] if title else []
        assert place.told(len(expected)), place.hook.titles()
    time.sleep(1)
    assert len(place.hook.titles()) == len(expected)
    for said, title in zip(place.hook.titles(), expected, strict=True):
        assert said.startswith("Budget team ")
        assert title in said
    assert place.standing(made["id"])["state"] == "exceeded"
    with place.one.client() as http:
        alerts = http.get(f"/alerts/budgets/{made['id']}").json()["alerts"]
        assert [(one["threshold"], one["state"]) for one in alerts] == [("100", "firing"), ("50", "firing")]
        http.delete(f"/alerts/budgets/{made['id']}").raise_for_status()
    place.evaluate()
    assert eventually(lambda: bool(place.hook.titles("resolved")))


def test_calls_beyond_a_hard_budget_are_refused(place: Place) -> None:
    made = place.set(name="hard", amount_usd=3, per="day", hard=True)
    assert made["warning"] is None
    statuses = place.spend(6)
    assert statuses[:3] == [200, 200, 200]
    assert statuses[3:] == [402, 402, 402]
    with place.one.client() as http:
        assert http.get("/health").json()["plugins"]["alert_channels"]["status"] == "ok"
        http.patch(f"/alerts/budgets/{made['id']}", json={"amount_usd": 5}).raise_for_status()
        assert eventually(lambda: http.post(CHAT, json=ASKED).status_code == 200)
        http.delete(f"/alerts/budgets/{made['id']}").raise_for_status()
        assert eventually(lambda: http.post(CHAT, json=ASKED).status_code == 200)


def test_a_summary_is_shown_and_sent(place: Place) -> None:
    place.spend(2)
    with place.one.client() as http:
        today = time.strftime("%Y-%m-%d", time.gmtime())
        ask = {"kind": "daily", "last": today, "channel": "hook"}

        def spent() -> bool:
            shown = http.post("/alerts/summaries", json={"kind": "daily", "last": today}).raise_for_status().json()
            found: str = shown["data"]["this"]["cost_usd"]
            return found == "2"

        assert eventually(spent)
        http.post("/alerts/summaries", json=ask).raise_for_status()
    assert eventually(lambda: bool(place.hook.titles("summary")))
    assert place.hook.titles("summary")[0].startswith(f"Daily summary of default, {today}: $2.00")


def run(one: Running, *words: str) -> Any:
    env = {"COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "no_proxy": "*"}
    return subprocess.run(
        [*CLI, "cost", *words],
        env={**os.environ, **env},
        cwd=one.log.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_sets_and_checks_budgets(place: Place) -> None:
    done = run(place.one, "budget", "set", "cli", "--amount", "2", "--per", "day", "--threshold", "50")
    assert done.returncode == 0, done.stderr
    assert run(place.one, "budget", "check").returncode == 0
    place.spend(3)

    def exceeded() -> bool:
        return bool(run(place.one, "budget", "check", "--json").returncode == 1)

    assert eventually(exceeded, 20)
    found = json.loads(run(place.one, "budget", "check", "--json").stdout)
    assert {one["name"]: one["standing"]["state"] for one in found["data"]} == {"cli": "exceeded", "everybody": "ok"}
    done = run(place.one, "alerts", "configure", "--daily", "50", "--error-rate", "0.05", "--channel", "hook")
    assert done.returncode == 0, done.stderr
    again = run(place.one, "alerts", "configure", "--daily", "50", "--error-rate", "0.05", "--channel", "hook")
    assert again.stdout == done.stdout
    with place.one.client() as http:
        rules = http.get("/alerts/configs").json()["data"]
        assert [(one["name"], one["metric"], one["threshold"]) for one in rules] == [
            ("daily_cost", "daily_cost", 50),
            ("error_rate", "error_rate", 0.05),
        ]
    assert httpx.get(f"{place.one.url}/health", trust_env=False).status_code == 200
