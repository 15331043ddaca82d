"""``cognitude monitor alerts`` against a gateway in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.alert_channels.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, gateway

CONFIG = """
models:
  - {name: echo, provider: simulated/echo}
pipeline:
  - use: alert_channels
    config:
      rules:
        - {name: idle, metric: calls, operator: "<", threshold: 1, for: 1m, filters: {model: nothing}}
        - {name: empty, metric: tokens, operator: "==", threshold: 0, severity: critical, filters: {model: nothing}}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("alerts")) as running:
        with running.client(key=ADMIN_KEY) as root:
            root.post("/admin/jobs/alert_channels.rules/run", timeout=30).raise_for_status()
        yield running


def run(one: Running, *arguments: str) -> Result:
    @click.group()
    def cli() -> None: ...

    register(cli)
    given = {"COGNITUDE_URL": one.url, "COGNITUDE_API_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY}
    return CliRunner().invoke(cli, ["monitor", "alerts", *arguments], env=given)


def test_alerts_are_listed_and_acknowledged(one: Running) -> None:
    listed = run(one, "list", "--severity", "critical")
    assert "critical  firing  since" in listed.output
    assert "default: empty: tokens is 0 (== 0, 5m, model=nothing)" in listed.output
    [alert] = json.loads(run(one, "list", "--severity", "critical", "--json").output)["data"]
    done = run(one, "ack", alert["id"], "--note", "on it")
    assert (done.exit_code, "acknowledged by" in done.output) == (0, True)
    assert run(one, "list", "--severity", "info").output == "nothing fires\n"
    missing = run(one, "ack", "a/b")
    assert missing.exit_code == 1
    assert "404" in missing.output or "no" in missing.output.lower()


def test_rules_are_listed(one: Running) -> None:
    lines = run(one, "rules").output.splitlines()
    assert lines == [
        "warning   idle: calls < 1 for 1m, model=nothing  yaml:idle",
        "critical  empty: tokens == 0, model=nothing  yaml:empty",
    ]
    assert [rule["id"] for rule in json.loads(run(one, "rules", "--json").output)["data"]] == [
        "yaml:idle",
        "yaml:empty",
    ]


def test_a_channel_that_there_is_not_is_told(one: Running) -> None:
    with one.client() as client:
        body = {"name": "lost", "metric": "calls", "threshold": 1, "channels": ["nobody"]}
        made = client.post("/alerts/configs", json=body).json()
        try:
            told = "Warning: lost: there is no channel 'nobody' that its alerts could go to."
            assert run(one, "rules").output.splitlines()[-1] == told
        finally:
            client.delete(f"/alerts/configs/{made['id']}")


def test_the_group_of_another_plugin_is_taken() -> None:
    @click.group()
    def cli() -> None: ...

    @cli.group("monitor")
    def monitor() -> None: ...

    register(cli)
    assert cli.commands["monitor"] is monitor
    assert "alerts" in monitor.commands
