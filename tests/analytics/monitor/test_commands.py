"""What `cognitude monitor` refuses, and what it asks for."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.analytics.monitor.commands import add_to
from tests.processes import free_port


def run(*words: str, **env: str) -> Result:
    group = click.Group("monitor")
    add_to(group)
    return CliRunner().invoke(group, words, env={"NO_PROXY": "*", "COGNITUDE_API_KEY": "k" * 20, **env})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("metrics", "--range", "2h"), "'2h' is not one of '1h', '24h', 'today', '7d', '30d', '90d'"),
        (("status", "--format", "yaml"), "'yaml' is not one of 'table', 'json', 'csv'"),
        (("status", "--watch", "0"), "0.0 is not in the range x>=0.2"),
        (("costs", "--watch", "--format", "csv"), "--watch draws a screen, and --format csv is data"),
        (("costs", "--watch", "3", "--json"), "--watch draws a screen, and --format json is data"),
    ],
    ids=str,
)
def test_a_command_that_is_wrong_is_refused(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("words", [("status",), ("metrics", "--watch"), ("costs", "--watch", "1")], ids=str)
def test_that_no_gateway_is_there_is_said_in_one_line(words: tuple[str, ...]) -> None:
    result = run(*words, "--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert result.output.startswith("Error: no gateway answers at http://127.0.0.1:")
    assert result.output.count("\n") == 1


def test_only_the_status_is_shown_to_anybody() -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"
    assert "put a key of the organization into COGNITUDE_API_KEY" in run("costs", COGNITUDE_API_KEY="").output
    assert "no gateway answers" in run("status", COGNITUDE_API_KEY="", COGNITUDE_URL=unreachable).output
