"""The jobs of a gateway as its admins see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from cognitude_plugins.gateway.faults import Faults
from cognitude_plugins.gateway.jobs.api import JobsApi
from cognitude_plugins.gateway.jobs.lease import Lease
from cognitude_plugins.gateway.scheduler import Scheduler
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Job

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def nothing() -> None: ...


async def fails() -> None:
    raise ValueError("a secret")


JOBS = (
    Job(name="report", run=nothing, cron="0 8 * * mon", zone="Europe/Berlin", scope="cluster"),
    Job(name="bad", run=fails, every=timedelta(hours=6), scope="cluster"),
    Job(name="own", run=nothing, every=timedelta(seconds=2.5)),
)


@pytest.fixture
async def http(each_database: Storage) -> AsyncIterator[httpx.AsyncClient]:
    scheduler = Scheduler([("mine", job) for job in JOBS], {"mine": Faults("mine")})
    await scheduler.start(each_database)
    api = JobsApi(scheduler=scheduler, storage=each_database, now=lambda: NOON)
    transport = httpx.ASGITransport(app=Starlette(routes=api.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
    await scheduler.stop()
    while each_database._running:
        await asyncio.sleep(0.01)


async def test_they_are_listed_with_when_they_are_due(http: httpx.AsyncClient) -> None:
    found = {one["name"]: one for one in (await http.get("/admin/jobs")).json()["data"]}
    assert found["mine.report"] == {
        "name": "mine.report",
        "scope": "cluster",
        "when": "0 8 * * mon (Europe/Berlin)",
        "status": "waiting",
        "last_started_at": None,
        "last_seconds": None,
        "last_error": None,
        "next_at": "2026-11-30T07:00:00.000Z",
    }
    assert (found["mine.bad"]["when"], found["mine.bad"]["next_at"]) == ("every 6 h", "2026-11-29T18:00:00.000Z")
    assert (found["mine.own"]["when"], found["mine.own"]["next_at"]) == ("every 2.5 s", None)


@pytest.mark.parametrize("name", ["mine.report", "mine.own"])
async def test_one_is_run_out_of_turn(http: httpx.AsyncClient, name: str) -> None:
    ran = await http.post(f"/admin/jobs/{name}/run")
    assert ran.status_code == 200
    assert (ran.json()["status"], ran.json()["last_error"]) == ("waiting", None)
    assert ran.json()["last_seconds"] >= 0
    assert ran.json()["last_started_at"] > "2026-"


async def test_one_that_fails_is_told_without_its_text(http: httpx.AsyncClient) -> None:
    ran = await http.post("/admin/jobs/mine.bad/run")
    assert (ran.status_code, ran.json()["last_error"]) == (200, "ValueError")
    assert "secret" not in ran.text


async def test_what_another_process_runs_is_not_run_beside(http: httpx.AsyncClient, each_database: Storage) -> None:
    assert await Lease(each_database, "mine.report", "other").claim(NOON)
    ran = await http.post("/admin/jobs/mine.report/run")
    assert (ran.status_code, ran.json()["error"]["code"]) == (409, "running")
    [report] = [one for one in (await http.get("/admin/jobs")).json()["data"] if one["name"] == "mine.report"]
    assert report["status"] == "running"


async def test_a_job_that_is_not_there_is_a_404(http: httpx.AsyncClient) -> None:
    ran = await http.post("/admin/jobs/mine.other/run")
    assert (ran.status_code, ran.json()["error"]["param"]) == (404, "name")


async def test_an_unknown_parameter_is_refused(http: httpx.AsyncClient) -> None:
    for ask in (http.get("/admin/jobs?all=1"), http.post("/admin/jobs/mine.own/run?now=1")):
        assert (await ask).status_code == 400
