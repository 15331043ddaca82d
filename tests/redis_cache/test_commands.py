"""``cognitude cache`` against a gateway in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.redis_cache.commands import _size, register
from tests.journeys.rows import exported
from tests.processes import ADMIN_KEY, KEY, Running, free_port, gateway

CONFIG = """
models:
  - {name: sim, provider: simulated/echo, price: {input: 1, output: 2}}
pipeline:
  - {use: redis_cache, config: {memory_seconds: 0}}
"""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        yield running


def run(one: Running | str, *words: str, input: str | None = None, **env: str | None) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    url = one if isinstance(one, str) else one.url
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": url, "NO_PROXY": "*", **env}
    result = CliRunner().invoke(cli, ["cache", *words], env=keys, input=input, prog_name="cognitude")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(one: Running, *words: str, input: str | None = None) -> str:
    result = run(one, *words, input=input)
    assert result.exit_code == 0, result.output
    return result.stdout


def ask(one: Running, *texts: str) -> None:
    with one.client() as client:
        for text in texts:
            body = {"model": "sim", "messages": [{"role": "user", "content": text}]}
            client.post("/v1/chat/completions", json=body).raise_for_status()


def test_what_is_kept_is_shown_and_deleted_when_that_is_wanted(one: Running) -> None:
    ask(one, "a", "b", "b")
    shown = good(one, "stats")
    assert "answers in the database  2 (" in shown
    assert "calls in 30 days" in shown
    assert "hits in sql" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert json.loads(good(one, "stats", "--days", "2", "--json"))["total_entries"] == 2
    assert good(one, "clear", "--dry-run", "--model", "sim").startswith("default: 2 answers would be deleted (")
    refused = run(one, "clear", input="n\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Delete 2 answers of default? [y/N]" in refused.stderr
    assert good(one, "clear", "--older-than", "3600", "--yes").startswith("default: 0 answers deleted")
    assert good(one, "clear", "--organization", "default", input="y\n").startswith("default: 2 answers deleted")
    assert json.loads(good(one, "clear", "--yes", "--json"))["answers"] == 0


def test_what_all_have_in_common_is_a_gateway_admins_to_delete(one: Running) -> None:
    assert good(one, "clear", "--shared", "--dry-run").startswith("all organizations: 0 answers would be deleted")
    assert good(one, "clear", "--shared", "--yes").startswith("all organizations: 0 answers deleted")
    assert "gateway-admin key" in run(one, "clear", "--shared", "--yes", COGNITUDE_ADMIN_KEY=KEY).stderr
    assert "leave --organization out" in run(one, "clear", "--shared", "--organization", "default").stderr


def test_one_answer_is_shown(one: Running) -> None:
    ask(one, "c", "c")
    keys = [row["cache_key"] for row in exported(one.log.parent) if row["cache_key"]]
    shown = good(one, "inspect", keys[-1])
    assert shown.startswith("model sim, ")
    assert "USD" in shown
    assert json.loads(good(one, "inspect", keys[-1], "--json"))["key"] == keys[-1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("inspect", "0" * 64), "No answer is kept under the key"),
        (("inspect", "../stats"), "404"),
        (("clear", "--yes", "--key", "x"), "key: String should match pattern"),
        (("clear", "--yes", "--older-than", "-1"), "older_than: Input should be greater than or equal to 0"),
        (("stats", "--organization", "nobody"), "404"),
        (("stats", "--days", "0"), "days: Input should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(one: Running, words: tuple[str, ...], why: str) -> None:
    result = run(one, *words)
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert why in line


def test_a_gateway_that_is_not_there_is_said_to_be_so() -> None:
    result = run(f"http://127.0.0.1:{free_port()}", "stats")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no gateway answers at" in result.stderr


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**30, "5.0 GiB")])
def test_sizes_are_read_at_a_glance(count: int, shown: str) -> None:
    assert _size(count) == shown
