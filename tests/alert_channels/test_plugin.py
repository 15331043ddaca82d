"""The plugin as the gateway sees it: light to import, its jobs, its way from start-up to shutdown."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.plugin import AlertChannels
from cognitude_plugins.alert_channels.settings import Config
from hooks import Metric, Tick
from hooks.testing import FakeGateway, check_plugin
from tests.borrowed import documented, reaching, sqlite_tables


def test_importing_it_loads_neither_a_database_nor_a_client() -> None:
    heavy = ("sqlalchemy", "sqlmodel", "starlette", "aiohttp", "aiosmtplib")
    code = f"import sys, {AlertChannels.__module__}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_it_keeps_to_the_contract() -> None:
    check_plugin(AlertChannels(Config()))


def test_its_jobs_look_each_second_in_every_worker_and_sweep_once_a_day() -> None:
    jobs = {job.name: (job.every, job.scope) for job in AlertChannels(Config()).schedule()}
    seconds = {name: (None if every is None else every.total_seconds(), scope) for name, (every, scope) in jobs.items()}
    assert seconds["channels"] == seconds["deliveries"] == (1, "process")
    assert seconds["rules"] == (60, "cluster")
    assert seconds["history"] == (86_400, "cluster")


async def test_it_starts_works_and_stops(tmp_path: Path) -> None:
    tables = sqlite_tables(tmp_path, plugin)
    one = AlertChannels(Config())
    assert await one.health() == {"status": "ok"}
    async with reaching() as outbound:
        async with one.lifespan(FakeGateway(database=tables.lent(), outbound=outbound)):
            await run_all(one)
            found = await one.health()
            assert (found["status"], found["waiting"], found["failed"]) == ("ok", 0, 0)
        await run_all(one)
    tables.close()


async def run_all(one: AlertChannels) -> None:
    for job in one.schedule():
        run: Any = job.run
        await (run(Tick(due=datetime.now(UTC))) if signature(run).parameters else run())


def test_a_rule_fits_a_metric_that_somebody_offers() -> None:
    async def read(organization: str, at: datetime) -> None: ...

    offered = Metric(name="anomaly_score", description="", unit="score", read=read)
    rules: list[dict[str, object]] = [
        {"name": "spend", "metric": "daily_cost", "threshold": 1},
        {"name": "misspelt", "metric": "dayly_cost", "threshold": 1},
        {"name": "odd", "metric": "anomaly_score", "threshold": 4},
        {"name": "windowed", "metric": "anomaly_score", "threshold": 4, "window": "5m"},
    ]
    one = AlertChannels(Config.model_validate({"rules": rules}))
    assert [(found.at, found.nearest) for found in one.misfits({"anomaly_score": offered})] == [
        (("rules", 1, "metric"), "daily_cost"),
        (("rules", 3), None),
    ]
    assert [found.at for found in one.misfits({})] == [("rules", place, "metric") for place in (1, 2, 3)]


def test_its_endpoints_are_described() -> None:
    paths = documented(AlertChannels(Config()).routes())["paths"]
    assert {
        "/alerts/channels",
        "/alerts/channels/{id}",
        "/alerts/test/{id}",
        "/alerts/configs",
        "/alerts/{id}/ack",
    } <= paths.keys()
    described = [one for operations in paths.values() for one in operations.values()]
    assert all(one["summary"] for one in described)
