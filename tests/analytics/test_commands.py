"""``cognitude cost`` against a gateway in a process of its own; and that no prompt is at rest."""

from __future__ import annotations

import csv
import io
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

CONFIG = """
models:
  - {name: echo, provider: simulated/echo}
pipeline:
  - use: analytics
    config:
      metrics: [{name: tokens_per_call, expression: total_tokens / calls}]
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        with running.client() as client:
            for number in range(3):
                body = {"model": "echo", "user": "ada", "messages": [{"role": "user", "content": f"Hello {number}"}]}
                client.post("/v1/chat/completions", json=body).raise_for_status()
            until_written(client)
        yield running


def until_written(client: object) -> None:
    import time

    import httpx

    assert isinstance(client, httpx.Client)
    deadline = time.monotonic() + 20
    while client.get("/analytics/breakdown").json()["total"]["calls"] < 3:
        assert time.monotonic() < deadline, "the calls did not reach the ledger"
        time.sleep(0.05)


def run(one: Running | None, *words: str) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    url = one.url if one else "http://127.0.0.1:1"
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": url, "NO_PROXY": "*"}
    return CliRunner().invoke(cli, words, env=keys, prog_name="cognitude")


def test_there_are_two_groups_of_them() -> None:
    cli = click.Group()
    register(cli)
    assert set(cli.commands) == {"cost", "monitor"}


def test_a_breakdown_is_a_table_of_at_most_eighty_columns(one: Running) -> None:
    result = run(one, "cost", "breakdown", "--by", "day,model")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["DAY", "MODEL", "CALLS", "TOKENS", "COST", "SAVED", "ERRORS", "HITS", "P95"]
    assert lines[3].split()[1:3] == ["echo", "3"]
    assert "TOKENS_PER_CALL" not in result.stdout
    assert any("tokens_per_call" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_json_and_csv_have_every_figure(one: Running) -> None:
    for words in (("--json",), ("--format", "json"), ("--format", "json", "--organization", "default")):
        found = json.loads(run(one, "cost", "breakdown", "--by", "user", *words).stdout)
        assert [(line["group"], line["calls"]) for line in found["data"]] == [({"user": "ada"}, 3)]
    [group, total] = csv.DictReader(io.StringIO(run(one, "cost", "breakdown", "--format", "csv").stdout))
    assert (group["row"], group["model"], total["row"], total["calls"]) == ("group", "echo", "total", "3")


def test_a_summary_is_of_at_most_eighty_columns(one: Running) -> None:
    result = run(one, "cost", "summary", "--range", "24h")
    assert result.exit_code == 0, result.output
    assert "The last 24 hours: 3 calls" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert json.loads(run(one, "cost", "summary", "--json").stdout)["object"] == "cost_summary"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "modle"), "the nearest is 'model'"),
        (("--from", "yesterday"), "start_date: must be a date"),
        (("--organization", "ghost"), "no such organization"),
    ],
)
def test_what_is_refused_is_said_in_one_line(one: Running, words: tuple[str, ...], said: str) -> None:
    result = run(one, "cost", "breakdown", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_help_needs_no_gateway() -> None:
    for words in (("cost", "--help"), ("cost", "breakdown", "--help"), ("cost", "summary", "--help")):
        assert run(None, *words).exit_code == 0


CANARY = "canary7f3a9c how is the weather in Antananarivo"
CACHED = """
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
def saving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Five equal calls that the cache is not asked for, and a miss and a hit of it."""
    with gateway(CACHED, tmp_path_factory.mktemp("saving")) as running:
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


def test_what_to_change_is_shown(saving: Running) -> None:
    result = run(saving, "cost", "recommendations")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.startswith("1. Cache repeated calls") for line in lines)
    assert "     pipeline:" in lines
    assert all(len(line) <= 80 for line in lines)
    found = json.loads(run(saving, "cost", "recommendations", "--json", "--days", "2").stdout)
    assert found["recommendations"][0]["evidence"]["off_calls"] == 4
    assert found["calls"] == found["fingerprinted_calls"] == 6


def test_what_was_saved_is_shown(saving: Running) -> None:
    result = run(saving, "cost", "savings", "--organization", "default")
    assert result.exit_code == 0, result.output
    assert "Against large:" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    total = json.loads(run(saving, "cost", "savings", "--json", "--baseline", "small").stdout)["total"]
    assert (total["calls"], total["cache_calls"], total["coalesced_calls"]) == (7, 1, 0)
    assert total["cache_saved_nano_usd"] > 0


def test_what_is_refused_is_said(saving: Running) -> None:
    result = run(saving, "cost", "savings", "--baseline", "larg")
    assert result.exit_code == 1
    assert "There is no model 'larg' to hold against. Did you mean 'large'? (status 400)" in result.output


def test_prompts_are_not_at_rest(saving: Running) -> None:
    """S20: a fingerprint leaks none; what a cache keeps is compressed."""
    run(saving, "cost", "recommendations")
    folder: Path = saving.log.parent
    holders = [path for path in folder.rglob("*") if path.is_file() and b"canary7f3a9c" in path.read_bytes()]
    assert holders == []


def test_days_of_anomalies_are_asked_for_as_those_of_a_breakdown(one: Running) -> None:
    found = run(one, "cost", "anomalies", "--from", "2020-01-01", "--to", "2020-01-03", "--json")
    assert found.exit_code == 0, found.output
    body = json.loads(found.output)
    assert (body["start_date"], body["end_date"], body["hours"]) == ("2020-01-01", "2020-01-03", 0)


def test_groups_that_another_plugin_has_made_are_joined() -> None:
    cli = click.Group("cognitude")
    theirs = click.Group("cost", help="Theirs.")
    theirs.add_command(click.Command("budget"))
    cli.add_command(theirs)
    register(cli)
    assert cli.commands["cost"] is theirs
    assert {"budget", "summary", "breakdown"} <= set(theirs.commands)
    assert theirs.help is not None
    assert theirs.help.startswith("Where the money goes")
