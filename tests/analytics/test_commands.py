"""The commands of analytics, against a gateway in a process of its own; and that no prompt is at rest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.analytics.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, gateway

CANARY = "canary7f3a9c how is the weather in Antananarivo"
CONFIG = """
models:
  - {name: large, provider: simulated/large, price: {input: 100000, output: 500000}}
  - {name: small, provider: simulated/small, price: {input: 100, output: 500}}
pipeline:
  - use: analytics
    config: {baseline: large}
  - use: redis_cache
    config: {max_temperature: 0.5}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Five equal calls that the cache is not asked for, and a miss and a hit of it."""
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        with running.client() as client:
            for number in range(5):
                ask(client, "large", user=f"user-{number}")
            for _ in range(2):
                ask(client, "small", temperature=0)
            while client.get("/analytics/usage").json()["total"]["calls"] < 7:
                time.sleep(0.02)
        yield running


def ask(client: httpx.Client, model: str, **fields: object) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": CANARY}], **fields}
    client.post("/v1/chat/completions", json=body).raise_for_status()


def run(one: Running, *words: str) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "NO_PROXY": "*"}
    return CliRunner().invoke(cli, list(words), env=keys, prog_name="cognitude")


def test_there_are_two_groups_of_them() -> None:
    cli = click.Group()
    register(cli)
    assert set(cli.commands) == {"cost", "monitor"}


def test_what_to_change_is_shown(one: Running) -> None:
    result = run(one, "cost", "recommendations")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.startswith("1. Cache repeated calls") for line in lines)
    assert "     pipeline:" in lines
    assert all(len(line) <= 80 for line in lines)
    found = json.loads(run(one, "cost", "recommendations", "--json", "--days", "2").stdout)
    assert found["recommendations"][0]["evidence"]["off_calls"] == 4
    assert found["calls"] == found["fingerprinted_calls"] == 6


def test_what_was_saved_is_shown(one: Running) -> None:
    result = run(one, "cost", "savings", "--organization", "default")
    assert result.exit_code == 0, result.output
    assert "Against large:" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    total = json.loads(run(one, "cost", "savings", "--json", "--baseline", "small").stdout)["total"]
    assert (total["calls"], total["cache_calls"], total["coalesced_calls"]) == (7, 1, 0)
    assert total["cache_saved_nano_usd"] > 0


def test_what_is_refused_is_said(one: Running) -> None:
    result = run(one, "cost", "savings", "--baseline", "larg")
    assert result.exit_code == 1
    assert "There is no model 'larg' to hold against. Did you mean 'large'? (status 400)" in result.output


def test_prompts_are_not_at_rest(one: Running) -> None:
    """S20: a fingerprint leaks none; what a cache keeps is compressed."""
    run(one, "cost", "recommendations")
    folder: Path = one.log.parent
    holders = [path for path in folder.rglob("*") if path.is_file() and b"canary7f3a9c" in path.read_bytes()]
    assert holders == []
