"""``cognitude route`` against a gateway in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.complexity_router.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, gateway

CONFIG = """
models:
  - {name: large, provider: simulated/large, price: {input: 2.5, output: 10}}
  - {name: small, provider: simulated/small, price: {input: 0.15, output: 0.6}, info: {capabilities: []}}
  - {name: auto, candidates: [large, small]}
pipeline:
  - {use: complexity_router, config: {shadow_rate: 0}}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        yield running


def run(one: Running, *words: str, **env: str | None) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    keys = {
        "COGNITUDE_ADMIN_KEY": ADMIN_KEY,
        "COGNITUDE_API_KEY": KEY,
        "COGNITUDE_URL": one.url,
        "NO_PROXY": "*",
        **env,
    }
    result = CliRunner().invoke(cli, ["route", *words], env=keys, prog_name="cognitude")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_question_is_explained_without_being_asked(one: Running) -> None:
    shown = run(one, "explain", "What is the sum of 17 and 25?")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0] == "model       large (default, of others too little is known)"
    assert any(line.startswith("chosen  large") for line in lines)
    assert "6 more comparisons that it does not lose" in shown.stdout
    assert lines[-1] == "tried       large, small"
    found = json.loads(run(one, "explain", "What is the sum of 17 and 25?", "--json").stdout)
    assert found["routing"]["selected_model"] == "large"


def test_wishes_are_heeded_and_refusals_shown(one: Running) -> None:
    refused = run(one, "explain", "Hello", "--max-cost", "0.0000000001")
    assert refused.exit_code == 1
    assert "No model behind 'auto' can answer this call" in refused.stderr
    wrong = run(one, "explain", "Hello", "--optimize-for", "speed")
    assert wrong.exit_code == 2


def test_what_is_chosen_among_is_shown(one: Running) -> None:
    shown = run(one, "info").stdout
    assert shown.splitlines()[0] == "auto: cost, at least 0.95 of large"
    assert "large  2.5       10" in shown
    assert json.loads(run(one, "info", "--json").stdout)["aliases"][0]["alias"] == "auto"


def test_a_gateway_admin_says_for_whom(one: Running) -> None:
    found = run(one, "explain", "Hello", "--organization", "default", COGNITUDE_API_KEY=None)
    assert found.exit_code == 0, found.output
