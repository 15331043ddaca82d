"""The command line's view of jobs; what it asks is in the journeys."""

from __future__ import annotations

from click.testing import CliRunner

from cognitude_plugins.gateway.cli.jobs import command


def test_without_a_key_it_says_where_to_put_one() -> None:
    done = CliRunner(env={"COGNITUDE_ADMIN_KEY": ""}).invoke(command, ["list"])
    assert done.exit_code == 1
    assert "put a gateway-admin key into COGNITUDE_ADMIN_KEY" in done.output


def test_where_no_gateway_is_it_says_so() -> None:
    done = CliRunner(env={"COGNITUDE_ADMIN_KEY": "x"}).invoke(command, ["run", "a.b", "--url", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "no gateway answers at http://127.0.0.1:9" in done.output
