"""A running gateway, looked at through the installed command, and what the page about it shows."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cognitude_plugins.analytics.commands import register
from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT
from tests.processes import CLI, KEY, Running, gateway

ROOT = Path(__file__).parents[2]
CONFIG = """
gateway:
  drain: {announce_seconds: 0}
models:
  - {name: cheap, provider: simulated/echo, price: {input: 1, output: 2}}
  - {name: dear, provider: simulated/echo, price: {input: 10, output: 20}}
pipeline:
  - use: analytics
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """After eight calls, one of which names a model that there is not."""
    with gateway(CONFIG, tmp_path_factory.mktemp("monitor")) as running, running.client() as client:
        for number, model in enumerate(["cheap"] * 4 + ["dear"] * 3 + ["none"]):
            body = {"model": model, "messages": [{"role": "user", "content": f"Hello {number}"}]}
            client.post(CHAT, json=body)
        assert eventually(lambda: client.get("/analytics/series").json()["total"]["calls"] == 8)
        yield running


def environ(one: Running, **env: str) -> dict[str, str]:
    return {"COGNITUDE_URL": one.url, "COGNITUDE_API_KEY": KEY, "NO_PROXY": "*", **env}


def said(one: Running, *words: str, **env: str) -> str:
    """By the command in this process: starting another takes a second each time."""
    cli = click.Group("cognitude")
    register(cli)
    result = CliRunner().invoke(cli, ["monitor", *words], env=environ(one, **env))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_its_status_needs_no_key(one: Running) -> None:
    screen = said(one, "status", COGNITUDE_API_KEY="")
    assert re.search(r"^cheap +simulated +closed +0\.0 % ", screen, re.MULTILINE)
    assert re.search(r"^up [\w ]+, 0 calls under way, 2 models$", screen, re.MULTILINE)
    rows = list(csv.DictReader(io.StringIO(said(one, "status", "--format", "csv"))))
    assert [(row["deployment"], row["state"]) for row in rows] == [("cheap", "closed"), ("dear", "closed")]


def test_its_metrics_are_those_of_the_ledger(one: Running) -> None:
    found = json.loads(said(one, "metrics", "--by", "model", "--format", "json"))
    assert (found["total"]["calls"], found["total"]["errors"]) == (8, 1)
    assert [(group["group"]["model"], group["calls"]) for group in found["groups"]] == [
        ("cheap", 4),
        ("dear", 3),
        ("", 1),
    ]
    assert sum(point["calls"] for point in found["points"]) == 8
    assert found["total"]["p99_seconds"] >= found["total"]["p50_seconds"] > 0
    for wanted in ("1h", "today", "7d", "30d", "90d"):
        assert json.loads(said(one, "metrics", "--range", wanted, "--json"))["total"]["calls"] in range(9)


def test_its_costs_are_exact(one: Running) -> None:
    found = json.loads(said(one, "costs", "--json"))
    for part in ("range", "today"):
        assert found[part]["total"]["cost_nano_usd"] == sum(p["cost_nano_usd"] for p in found[part]["points"])
    assert said(one, "costs").splitlines()[0].endswith(f" {found['range']['total']['cost_usd']} USD")
    points = list(csv.DictReader(io.StringIO(said(one, "costs", "--range", "90d", "--format", "csv"))))
    assert len(points) == 90
    assert list(points[0])[:2] == ["time", "calls"]


def test_the_installed_command_draws_for_a_terminal_that_has_ascii_only(one: Running) -> None:
    words = [*CLI, "monitor", "metrics", "--range", "1h", "--by", "model"]
    env = {**os.environ, **environ(one, PYTHONUTF8="0", PYTHONIOENCODING="ascii")}
    done = subprocess.run(words, cwd=one.log.parent, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert re.search(r"^cheap  ?#+ +4 calls +0\.0 % errors", done.stdout, re.MULTILINE)


def test_watching_without_a_terminal_goes_on_until_it_is_told(one: Running) -> None:
    words, env = [*CLI, "monitor", "status", "--watch", "0.2"], {**os.environ, **environ(one)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=one.log.parent, env=env, text=True, encoding="utf-8", **pipes) as process:
        assert process.stdout is not None
        firsts = 0
        for line in process.stdout:
            firsts += line.startswith("cognitude ")
            if firsts == 2:
                break
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
        assert "\x1b" not in rest


def test_the_page_shows_screens_as_they_are() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    kept = {path.read_text() for path in (ROOT / "tests" / "analytics" / "screens").glob("*.txt")}
    shown = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 3
    assert set(shown) <= kept
