"""``/admin/jobs``: every job of the gateway, when it is due and how it fares, and to run one out of turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import answer, answering, query_as, refused

from ..accounts.times import milliseconds, moment
from ..storage.database import Storage
from .lease import Lease
from .state import State

if TYPE_CHECKING:
    from ..scheduler import Scheduled, Scheduler

_TAG = "Administration"


class NoQuery(BaseModel):
    model_config = {"extra": "forbid"}


class JobBody(BaseModel):
    name: str = Field(description="The plugin's and its own.")
    scope: Literal["cluster", "process"] = Field(description="Run once in the cluster, or in every worker.")
    when: str = Field(description="How often, or a crontab line and its time zone.")
    status: Literal["waiting", "running", "interrupted"] = Field(
        description="interrupted: who ran it is gone, and nobody has taken over yet."
    )
    last_started_at: str | None = Field(description="Of a job of the process, in the worker that answers.")
    last_seconds: float | None
    last_error: str | None = Field(description="The kind of failure that ended the last run.")
    next_at: str | None


class JobList(BaseModel):
    data: list[JobBody]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsApi:
    scheduler: Scheduler
    storage: Storage
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/admin/jobs", self.list_jobs(), methods=["GET"]),
            Route("/admin/jobs/{name}/run", self.run_job(), methods=["POST"]),
        ]

    def list_jobs(self) -> Any:
        @operation("List the jobs of all plugins", access="admin", tag=_TAG, request=NoQuery, responses={200: JobList})
        @answering
        async def list_jobs(request: Request) -> Response:
            query_as(request, NoQuery)
            return answer(JobList(data=[await self._shown(one) for one in self.scheduler.jobs.values()]))

        return list_jobs

    def run_job(self) -> Any:
        @operation(
            "Run a job now, and wait for its end",
            access="admin",
            tag=_TAG,
            responses={200: JobBody, 404: None, 409: None},
        )
        @answering
        async def run_job(request: Request) -> Response:
            query_as(request, NoQuery)
            name = request.path_params["name"]
            one = self.scheduler.jobs.get(name)
            if one is None:
                raise refused(f"There is no job {name[:200]!r}.", param="name", status=404, code="not_found")
            if not await self.scheduler.run_now(one):
                raise refused(f"The job {one.name!r} is running.", param="name", status=409, code="running")
            return answer(await self._shown(one))

        return run_job

    async def _shown(self, one: Scheduled) -> JobBody:
        run, found = one.run, None
        if one.job.scope == "cluster":
            found = (await Lease(self.storage, one.name, "").look()).state
        following = one.times.after(self.now())
        return JobBody(
            name=one.name,
            scope=one.job.scope,
            when=_when(one),
            status=_status(one, found),
            last_started_at=_text(run.last_started if found is None else found.started),
            last_seconds=run.last_seconds if found is None else found.seconds,
            last_error=run.last_error if found is None else found.error,
            next_at=None if one.job.scope == "process" and one.job.cron is None else _text(following),
        )


def _when(one: Scheduled) -> str:
    job = one.job
    return f"every {_length(job.every)}" if job.every is not None else f"{job.cron} ({job.zone})"


def _length(every: timedelta) -> str:
    """``10 min``, ``6 h``, ``2.5 s``."""
    seconds = every.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _status(one: Scheduled, found: State | None) -> Literal["waiting", "running", "interrupted"]:
    if one.busy.locked():
        return "running"
    if found is None or found.done:
        return "waiting"
    return "running" if found.left else "interrupted"


def _text(time: datetime | None) -> str | None:
    return moment(milliseconds(time))
