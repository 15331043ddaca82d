"""``cognitude replay``: on rows that a gateway left behind, in the database and in its journal; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from cognitude_plugins.gateway.cli import main
from tests.gateway.ledger.book import NOON, row, write_segment
from tests.journeys.rows import connection

MODELS: Final = """
services: {redis: "redis://127.0.0.1:9"}
models:
  - {name: m, provider: openai/m, base_url: "http://127.0.0.1:9/v1", api_key: sk-1, price: {input: 100, output: 100}}
"""
LIMITED: Final = """
pipeline:
  - {use: limiter, config: {limits: [{scope: organization, unit: requests, per: minute, limit: 2}]}}
"""
SINCE: Final = ("--since", "2026-01-15", "--until", "2026-01-16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four calls in the database, one in the journal still, one that did not reach its end, and one failed over."""
    found = tmp_path_factory.mktemp("replay")
    (found / "plugins.yaml").write_text(MODELS)
    (found / "limited.yaml").write_text(MODELS + LIMITED)
    (found / "dearer.yaml").write_text(MODELS.replace("output: 100", "output: 200"))
    asked = {"requested_model": "m", "model": "m", "provider": "openai", "deployment": "m", "tried": "m ok 250"}
    rows = [row(f"r{number}", time_ms=NOON + number * 1000, cost_nano_usd=1_200_000, **asked) for number in range(4)]
    failed = {"status": 503, "source": "error", "error": "provider_status_503", "cost_nano_usd": 0}
    asked["tried"] = "m status_503 20; m status_503 30"
    rows.append(row("r5", time_ms=NOON + 9_000, prompt_tokens=None, attempts=2, **{**asked, **failed}))
    write_segment(found / ".cognitude" / "journal", rows)
    run = CliRunner().invoke
    assert run(main, ["migrate", "--config", str(found / "plugins.yaml")]).exit_code == 0
    assert run(main, ["usage", "--config", str(found / "plugins.yaml")]).exit_code == 0
    asked["tried"] = "m ok 250"
    left = {"complete": False, "error": "client_disconnect", "status": 499, "source": "error", "cost_nano_usd": None}
    late = [
        row("r6", time_ms=NOON + 70_000, cost_nano_usd=1_200_000, **asked),
        row("r7", time_ms=NOON + 71_000, prompt_tokens=None, attempts=0, **{**asked, **left, "tried": None}),
    ]
    write_segment(found / ".cognitude" / "journal", late)
    return found


def replay(folder: Path, config: str, *words: str) -> Result:
    named = ["replay", "--config", str(folder / config), "--recorded-by", str(folder / "plugins.yaml"), *words]
    result = CliRunner().invoke(main, named)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def kept(folder: Path) -> tuple[Any, ...]:
    """Everything of the installation that a replay could have changed."""
    with connection(folder) as rows:
        tables = [one["name"] for one in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        stored = [(name, rows.execute(f'SELECT * FROM "{name}"').fetchall()) for name in tables]
    journal = [(path.name, path.read_bytes()) for path in sorted((folder / ".cognitude" / "journal").iterdir())]
    return stored, journal, sorted(path.name for path in folder.iterdir())


def test_the_present_configuration_decides_as_it_did_and_nothing_is_touched(folder: Path) -> None:
    before = kept(folder)
    result = replay(folder, "plugins.yaml", *SINCE, "--max-differences", "0")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "calls      6, 0 decided otherwise",
        "cost       0.006000 -> 0.006000 USD, +0.000000 (+0.00 %)",
        "  range    +0.000000 to +0.000000 (+0.00 % to +0.00 %)",
        "hit rate   0.00 % -> 0.00 %",
        "refused    1 -> 1 (0 newly, 0 no longer)",
        "",
        "MODEL  CALLS  ->       USD        ->",
        "m          6   6  0.006000  0.006000",
        "",
        "6 have no digest, so that repeats among them are not seen (plugin analytics).",
        "1 calls that never came into the pipeline are not in it.",
    ]
    assert kept(folder) == before


def test_limits_that_are_passed_end_with_1(folder: Path) -> None:
    words = ("--max-cost-increase", "5%", "--max-newly-refused", "0", "--json")
    result = replay(folder, "limited.yaml", *SINCE, *words)
    report = json.loads(result.stdout)
    assert (report["refused"]["newly"], report["exceeded"]) == (3, ["--max-newly-refused 0: 3 calls are newly refused"])
    assert result.exit_code == 1


def test_requests_of_a_file_are_played_through_both(folder: Path, tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    line = {"at": "2026-11-02T09:00:00Z", "body": body, "answer": {"prompt_tokens": 10, "completion_tokens": 10}}
    path = tmp_path / "requests.jsonl"
    path.write_text(f"{json.dumps(line)}\n" * 3)
    result = replay(folder, "dearer.yaml", "--requests", str(path), "--json", "--max-cost-increase", "5%")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["exceeded"]) == (
        1,
        ["--max-cost-increase 5%: the cost changes by 0.003000000 USD"],
    )
    assert (report["cost"]["before_usd"], report["cost"]["after_usd"]) == ("0.006000000", "0.009000000")
    path.write_text("{}\n")
    result = replay(folder, "dearer.yaml", "--requests", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "requests.jsonl, line 1: at: Field required" in result.stderr


def test_requests_are_chosen_by_time_and_organization(folder: Path, tmp_path: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    days = (("2026-11-02", "a"), ("2026-11-03", "a"), ("2026-11-03", "b"), ("2026-11-03", "a"), ("2026-11-05", "a"))
    lines = [{"at": f"{day}T09:00:00Z", "organization": name, "body": body} for day, name in days]
    path = tmp_path / "requests.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ("--organization", "a", "--since", "2026-11-03", "--until", "2026-11-04", "--json")
    result = replay(folder, "plugins.yaml", "--requests", str(path), *words)
    report = json.loads(result.stdout)
    assert (report["calls"], report["warm_up_calls"], list(report["organizations"])) == (2, 1, ["a"])


def test_limits_say_nothing_of_no_calls(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").touch()
    result = replay(folder, "plugins.yaml", "--requests", str(tmp_path / "requests.jsonl"), "--max-differences", "0")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: no call was played, so that nothing is known of the limits\n",
    )


def test_what_is_not_there_is_no_time_without_calls(folder: Path, tmp_path: Path) -> None:
    result = replay(folder, "plugins.yaml", "--organization", "acne")
    assert (result.exit_code, result.stderr) == (2, "Error: there is no organization 'acne'\n")
    (tmp_path / "plugins.yaml").write_text(MODELS)
    result = replay(tmp_path, "plugins.yaml")
    assert result.exit_code == 2
    assert f"Error: there is no database at sqlite:///{tmp_path}" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plugins.yaml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "yesterday"), "'yesterday' is no time, as in 7d, 24h"),
        (("--since", "1d", "--until", "2d"), "--until is not after --since"),
        (("--max-cost-increase", "much"), "'much' is no percentage, as in 5%"),
        (("--max-cost-increase", "nan"), "'nan' is no percentage, as in 5%"),
        (("--max-cost-increase", "inf%"), "'inf%' is no percentage, as in 5%"),
        (("--warm-up", "1"), "'1' is no span of time"),
        (("--max-newly-refused", "-1"), "-1 is not in the range x>=0"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = replay(folder, "plugins.yaml", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
