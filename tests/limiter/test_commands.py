"""``cognitude ratelimit`` against a gateway in a process of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.limiter.commands import register
from tests.processes import ADMIN_KEY, KEY, Running, free_port, gateway

CONFIG = """
gateway:
  keys: [{id: of-acme, secret: acme-secret-0123456789abcdef, organization: acme}]
models:
  - {name: sim, provider: simulated/echo}
pipeline:
  - use: limiter
    config:
      limits:
        - {scope: organization, unit: requests, per: minute, limit: 100}
        - {scope: organization, unit: requests, per: hour, limit: 3000}
        - {scope: key, unit: cost_usd, per: day, limit: 25.5, window: calendar}
        - {scope: organization, unit: concurrency, limit: 50}
"""
ACME = ("--organization", "acme")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway(CONFIG, tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(one: Running) -> Iterator[None]:
    """Nothing is set for any organization at the end of a test."""
    yield
    with one.client(key=ADMIN_KEY) as root, one.client() as own:
        for organization in ("acme", "default"):
            for key in ("", "&key=k1"):
                root.delete(f"/rate-limits/config?organization={organization}{key}")
        own.delete("/rate-limits/config")


def run(one: Running | str, *words: str, input: str | None = None, **env: str | None) -> Result:
    cli = click.Group("cognitude")
    register(cli)
    url = one if isinstance(one, str) else one.url
    keys = {"COGNITUDE_ADMIN_KEY": ADMIN_KEY, "COGNITUDE_API_KEY": KEY, "COGNITUDE_URL": url, "NO_PROXY": "*", **env}
    result = CliRunner().invoke(cli, ["ratelimit", *words], env=keys, input=input, prog_name="cognitude")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for key in (KEY, ADMIN_KEY):
        assert key not in result.output
    return result


def good(one: Running, *words: str, **env: str | None) -> list[str]:
    result = run(one, *words, **env)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    if "--json" not in words:
        assert all(len(line) <= 80 for line in lines)
    return lines


def bad(one: Running | str, *words: str, **env: str | None) -> str:
    """The one line that says why."""
    result = run(one, *words, **env)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def in_force(one: Running, organization: str = "acme") -> list[tuple[Any, ...]]:
    found = json.loads("\n".join(good(one, "config", "--organization", organization, "--json")))
    return [(row["scope"], row["unit"], row["per"], row["limit"], row["origin"]) for row in found["limits"]]


def test_config_is_a_table_of_the_limits_in_force(one: Running) -> None:
    assert good(one, "config", *ACME) == [
        "LIMIT                                  WINDOW    SET BY",
        "organization: 100 requests per minute  sliding   plugins.yaml",
        "organization: 3000 requests per hour   sliding   plugins.yaml",
        "key: 25.5 USD per day                  calendar  plugins.yaml",
        "organization: 50 calls under way       -         plugins.yaml",
    ]


def test_a_gateway_admin_sets_changes_and_removes_one_limit(one: Running) -> None:
    limit = ("--scope", "organization", "--unit", "requests", "--per", "minute")
    lines = good(one, "set", *ACME, *limit, "--limit", "500")
    assert lines[1].split()[-4:] == ["minute", "sliding", "gateway", "admin"]
    good(one, "set", *ACME, "--unit", "tokens", "--per", "minute", "--limit", "9000", "--models", "gpt-*")
    good(one, "set", *ACME, *limit, "--limit", "600")
    assert in_force(one)[0] == ("organization", "requests", "minute", 600, "operator")
    assert in_force(one)[-1] == ("organization", "tokens", "minute", 9000, "operator")
    good(one, "set", *ACME, *limit, "--remove")
    assert in_force(one)[0] == ("organization", "requests", "minute", 100, "configuration")
    assert in_force(one)[-1] == ("organization", "tokens", "minute", 9000, "operator")
    assert bad(one, "set", *ACME, *limit, "--remove").startswith("this limit is not set here")
    good(one, "set", *ACME, "--unit", "tokens", "--per", "minute", "--models", "gpt-*", "--remove")
    assert len(in_force(one)) == 4
    assert in_force(one, "default") == in_force(one)


def test_an_organization_admin_sets_limits_of_its_own(one: Running) -> None:
    lines = good(one, "set", "--unit", "requests", "--per", "minute", "--limit", "1000000")
    assert lines[1].split()[-2:] == ["sliding", "plugins.yaml"]
    assert lines[-1].split()[-2:] == ["sliding", "organization"]
    assert in_force(one, "default")[-1][3:] == (1_000_000, "organization")
    assert in_force(one) == in_force(one, "default")[:-1]


def test_a_limit_of_one_key_is_of_scope_key(one: Running) -> None:
    good(
        one,
        "set",
        *ACME,
        "--key",
        "k1",
        "--unit",
        "cost_usd",
        "--per",
        "day",
        "--window",
        "calendar",
        "--limit",
        "99.5",
    )
    lines = good(one, "config", *ACME, "--key", "k1")
    assert lines[3].split() == ["key", "k1:", "99.5", "USD", "per", "day", "calendar", "gateway", "admin"]
    assert "scope must be 'key'" in bad(
        one, "set", *ACME, "--key", "k1", "--scope", "user", "--unit", "requests", "--per", "day", "--limit", "5"
    )


def test_a_bucket_has_a_burst(one: Running) -> None:
    words = "--scope user --unit requests --per second --limit 5 --window bucket --burst 20"
    assert good(one, "set", *ACME, *words.split())[-1].split()[-5:] == ["bucket", "of", "20", "gateway", "admin"]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("--per minute --limit -5", "limit: Input should be greater than 0, not -5"),
        ("--per minute --limit 0", "limit: Input should be greater than 0, not 0"),
        ("--per minute --limit 1.5", "limit: limit 1.5 of requests is not a whole number"),
        ("--per minute --limit 1e99", "limit: limit 1e+99 of requests is more than 1000000000000"),
        ("--per minute --limit much", "limit: Input should be a valid decimal, not much"),
        ("--limit 5", "a limit of requests needs per: second, minute, hour, day, week or month"),
        ("--per week --limit 5", "per: week needs window: calendar"),
        ("--per day --limit 5 --burst 9", "burst is for window: bucket"),
        ("--per hour --limit 50", "limits: per_hour 50 is lower than per_minute 100 (requests of each organization)"),
        ("--per minute --limit 4000", "limits: per_hour 3000 is lower than per_minute 4000"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_its_rule_and_nothing_is_changed(
    one: Running, words: str, rule: str
) -> None:
    before = in_force(one)
    assert bad(one, "set", *ACME, "--unit", "requests", *words.split()).replace("'", "").startswith(rule)
    assert in_force(one) == before


@pytest.mark.parametrize(
    "words",
    ["--unit requests --per minute", "--unit requests --per minute --limit 5 --remove", "--limit 5", "--unit calls"],
)
def test_a_command_that_does_not_say_what_to_do_is_refused(one: Running, words: str) -> None:
    result = run(one, "set", *ACME, *words.split())
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def call(one: Running) -> None:
    with one.client() as http:
        body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}
        assert http.post("/v1/chat/completions", json=body).status_code == 200


def test_status_is_a_table_of_what_is_used(one: Running) -> None:
    good(one, "reset", "--yes", "--organization", "default")
    call(one)
    call(one)
    lines = good(one, "status")
    assert lines[0].split() == ["LIMIT", "USED", "LEFT", "RESETS"]
    assert lines[1].startswith("organization default: 100 requests per minute ")
    assert lines[1].split()[6:9] == ["2", "98", "in"]
    assert lines[3].startswith("key bootstrap: 25.5 USD per day ")
    assert lines[3].split()[6:8] == ["0.0000", "25.5000"]
    assert lines[4].split()[-3:] == ["0", "50", "-"]
    of_acme = good(one, "status", *ACME)
    assert of_acme[1].split()[:2] == ["organization", "acme:"]
    assert of_acme[1].split()[6:8] == ["0", "100"]


def test_status_for_programs_is_the_answer_of_the_api(one: Running) -> None:
    found = json.loads("\n".join(good(one, "status", "--key", "k1", "--json")))
    with one.client() as http:
        expected = http.get("/rate-limits/usage?key=k1").json()
    assert [row["limit"] for row in found["limits"]] == [row["limit"] for row in expected["limits"]]
    assert [row["subject"] for row in found["limits"] if row["scope"] == "key"] == ["k1"]


def test_reset_asks_first_and_says_what_it_did(one: Running) -> None:
    call(one)
    refused = run(one, "reset", "--organization", "default", input="n\n")
    assert refused.exit_code == 1
    assert refused.stdout.startswith("Reset all counters of default? [y/N]")
    assert good(one, "status")[1].split()[6] != "0"
    assert good(one, "reset", "--yes") == ["default: the counters of the organization's own limits begin anew"]
    assert good(one, "status")[1].split()[6] != "0"
    assert good(one, "reset", "--yes", "--organization", "default") == ["default: all counters begin anew"]
    assert good(one, "status")[1].split()[6] == "0"


def test_without_a_key_it_says_where_to_put_one(one: Running) -> None:
    assert bad(one, "status", COGNITUDE_API_KEY=None).startswith("put a key of the organization into COGNITUDE_API_KEY")
    text = bad(one, "status", *ACME, COGNITUDE_ADMIN_KEY=None)
    assert text == "put a gateway-admin key into COGNITUDE_ADMIN_KEY"
    assert bad(one, "status", COGNITUDE_API_KEY="schlüssel\n1") == "what is in COGNITUDE_API_KEY is no key"


def test_what_the_gateway_refuses_is_said_in_a_line(one: Running) -> None:
    assert (
        bad(one, "status", COGNITUDE_API_KEY="wrong-key-0123456789abcdef") == "Incorrect API key provided. (status 401)"
    )
    assert bad(one, "status", "--organization", "no where").endswith("(status 404)")
    assert "key" in bad(one, "config", "--key", "a b")


@pytest.mark.parametrize(
    "url", ["http://", "ftp://127.0.0.1", "127.0.0.1:8080", "http://[", "http://127.0.0.1:99999999"]
)
def test_where_no_gateway_can_be_is_named(url: str) -> None:
    assert url in bad(url, "status")


def test_when_nobody_listens_it_says_so() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert bad(url, "status").startswith(f"no gateway answers at {url}: ")
    assert bad(url, "reset", "--yes").startswith(f"no gateway answers at {url}: ")


@pytest.mark.parametrize("body", [b"<html>hello", b'"hello"', b'{"error": "\x1b[31mno"}', b"\xff"])
def test_what_is_no_gateway_is_named(body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                head = f"HTTP/1.1 404 Not Found\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
                connection.sendall(head.encode() + body)

        thread = threading.Thread(target=answer)
        thread.start()
        text = bad(f"http://127.0.0.1:{server.getsockname()[1]}", "status")
        thread.join()
    assert text == "what answers there is no gateway with this plugin in its pipeline (status 404)"


def test_a_gateway_without_the_limiter_is_named(tmp_path: Path) -> None:
    with gateway(CONFIG.partition("pipeline:")[0], tmp_path) as plain:
        assert bad(plain, "status").endswith("(status 404)")
