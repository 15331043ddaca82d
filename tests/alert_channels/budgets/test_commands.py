"""``cognitude cost budget`` against a gateway in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.alert_channels.budgets.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, gateway

CONFIG = """
gateway:
  keys: [{id: of-acme, secret: acme-secret-0123456789abcdef, organization: acme}]
models:
  - {name: sim, provider: simulated/echo}
pipeline:
  - use: alert_channels
    config:
      budgets:
        - {name: everybody, amount_usd: 1000, per: day, organization: "*"}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(one: Running) -> Iterator[None]:
    yield
    with one.client(key=ADMIN_KEY) as root:
        for budget in root.get("/alerts/budgets").json()["data"]:
            root.delete(f"/alerts/budgets/{budget['id']}")
        for rule in root.get("/alerts/configs?organization=default").json()["data"]:
            root.delete(f"/alerts/configs/{rule['id']}?organization=default")


def run(one: Running, *words: str) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    env = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": one.url, "NO_PROXY": "*"}
    result = CliRunner().invoke(cli, ["cost", *words], env=env, prog_name="cognitude")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(one: Running, *words: str) -> Any:
    """What it answers with ``--json``."""
    result = run(one, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def bad(one: Running, *words: str, code: int = 1) -> str:
    result = run(one, *words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


SET = ("budget", "set", "team")


def test_a_budget_is_set_changed_checked_and_deleted(one: Running) -> None:
    made = good(one, *SET, "--amount", "100.5", "--per", "month", "--threshold", "90", "--channel", "ops")
    assert (made["amount_usd"], made["per"], made["channels"], made["hard"]) == ("100.5", "month", ["ops"], False)
    changed = good(one, *SET, "--amount", "20", "--hard", "--status", "429", "--no-forecast", "--per", "month")
    assert changed["id"] == made["id"]
    assert (changed["amount_usd"], changed["hard"], changed["status"], changed["forecast"]) == ("20", True, 429, False)
    assert changed["thresholds"] == made["thresholds"] == [{"percent": 90, "severity": "warning"}]
    assert [each["name"] for each in good(one, "budget", "check")["data"]] == ["everybody", "team"]
    assert good(one, "budget", "delete", "team") == {"object": "budget", "id": made["id"], "deleted": True}


def test_a_budget_of_something_says_of_what(one: Running) -> None:
    made = good(one, *SET, "--amount", "1", "--per", "total", "--since", "2026-11-01", "--scope", "key", "--value", "k")
    assert (made["since"], made["scope"], made["value"]) == ("2026-11-01", "key", "k")
    mine = run(one, "budget", "check").stdout.splitlines()
    assert mine[2].startswith("team: key k since 2026-11-01")


def test_a_gateway_admin_sets_it_for_an_organization(one: Running) -> None:
    made = good(one, *SET, "--amount", "1", "--per", "day", "--organization", "acme")
    assert (made["organization"], made["by"]) == ("acme", "operator")
    assert [each["name"] for each in good(one, "budget", "check")["data"]] == ["everybody"]


def test_what_makes_it_another_budget_is_refused(one: Running) -> None:
    good(one, *SET, "--amount", "1", "--per", "day")
    assert "delete it, and set another one" in bad(one, *SET, "--per", "month")
    assert "delete it, and set another one" in bad(one, *SET, "--scope", "key", "--value", "k")


def test_what_is_missing_or_wrong_is_said(one: Running) -> None:
    assert "a new one needs --amount and --per" in bad(one, *SET, code=2)
    assert "amount_usd" in bad(one, *SET, "--amount", "much", "--per", "day")
    assert "there is no budget 'team'" in bad(one, "budget", "delete", "team")
    assert "plugins.yaml" in bad(one, "budget", "set", "everybody", "--amount", "1")


def test_the_group_of_another_plugin_is_kept(one: Running) -> None:
    cli, there = click.Group("cognitude"), click.Group("cost")
    there.add_command(click.Command("summary"))
    cli.add_command(there)
    register(cli)
    assert set(there.commands) == {"summary", "budget", "alerts"}
