"""``cognitude routing`` against a gateway in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.balancer.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, gateway

CONFIG = """
models:
  - {name: a, provider: simulated/echo}
  - {name: b, provider: simulated/small}
  - {name: both, candidates: [a, b]}
pipeline:
  - use: balancer
    config:
      rules:
        - strategy: experiment
          experiment: {name: a-or-b, arms: [{name: a, model: a}, {name: b, model: b}]}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        with running.client() as client:
            for number in range(20):
                body = {"model": "both", "user": f"user-{number}", "messages": [{"role": "user", "content": "Hello"}]}
                client.post("/v1/chat/completions", json=body).raise_for_status()
        yield running


def run(one: Running, *words: str) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "NO_PROXY": "*"}
    return CliRunner().invoke(cli, ["routing", *words], env=keys, prog_name="cognitude")


def test_experiments_are_a_table_of_at_most_eighty_columns(one: Running) -> None:
    result = run(one, "experiments")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "a-or-b, by user"
    assert "control" in lines[1]
    assert sum("errors, %" in line for line in lines) == 2
    assert all(len(line) <= 80 for line in lines)


def test_json_is_what_the_api_answers(one: Running) -> None:
    for words in ((), ("--organization", "default")):
        found = json.loads(run(one, "experiments", "--json", *words).stdout)
        assert sum(arm["users"] for arm in found["experiments"][0]["arms"]) == 20


def test_an_organization_that_is_not_there_is_said_in_one_line(one: Running) -> None:
    result = run(one, "experiments", "--organization", "ghost")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_help_needs_no_gateway(tmp_path: Path) -> None:
    cli = click.Group("cognitude")
    register(cli)
    found = CliRunner().invoke(cli, ["routing", "--help"])
    assert "experiments" in found.stdout
