"""A configuration made into a lane: moved into a folder of its own, its providers replaced, its jobs slowed down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from hooks import Job

from ..books import TASKS
from ..care import BreakerRules, Care, Concurrency, Hedging
from ..pipeline import compile_pipeline
from ..providers import Target
from ..providers.catalog import Catalog
from ..runtime import Runtime
from ..scheduler import Scheduler, collected
from ..settings import Services
from ..version import VERSION
from .following import Following, way_of
from .known import Known
from .lane import Lane
from .lending import ReplayLent
from .origin import Origin
from .playing import Provider
from .same import Common

_SELDOM: Final = timedelta(minutes=1)
"""A job that looks every few seconds for what others have changed finds nothing here."""
_OFTEN: Final = timedelta(seconds=10)
_CALM: Final = {"breaker": BreakerRules(enabled=False), "concurrency": Concurrency(), "hedging": Hedging()}
"""Who was passed over, and which second attempts were made, is in the recording."""


@asynccontextmanager
async def opened(runtime: Runtime, present: Runtime, origin: Origin, known: Known, folder: Path) -> AsyncIterator[Lane]:
    """The pipeline of a built runtime at work in a folder of its own. ``present`` is that of the recording."""
    common = Common.of(runtime.loaded, runtime.catalog, present.loaded, present.catalog)
    declared = {key.id: key.models for key in runtime.config.gateway.keys}
    lane = Lane(
        runtime=runtime,
        common=common,
        known=known,
        callers={**origin.callers(), **declared},
        entries=frozenset(entry.name for entry in runtime.loaded if entry.mode != "off"),
    )
    _moved(runtime, folder)
    _calmed(runtime, lane)
    await asyncio.to_thread(origin.copied, runtime)
    await runtime.start()
    event.listen(runtime.opened.storage.engine.pool, "checkout", _hasten)
    for task in asyncio.all_tasks():
        if task.get_name() == TASKS:
            task.cancel()
    try:
        yield lane
    finally:
        await runtime.idle()
        await runtime.stop()


def _hasten(connection: Any, record: Any, proxy: Any) -> None:
    """What is written here is for nobody: it need not be on the disk."""
    if not record.info.get("hastened"):
        record.info["hastened"] = True
        connection.execute("PRAGMA synchronous = OFF").close()


def _moved(runtime: Runtime, folder: Path) -> None:
    """All that it keeps is kept there."""
    config = runtime.config
    gateway = config.gateway.model_copy(update={"data_dir": str(folder), "secret_keys": ()})
    moved = config.model_copy(update={"gateway": gateway, "services": Services()})
    moved._source = config.source
    runtime.config = moved


def _calmed(runtime: Runtime, lane: Lane) -> None:
    """Providers that answer as recorded, entries that decide as recorded, and jobs that run as seldom as they may."""
    catalog = runtime.catalog = _without_care(runtime.catalog)
    transports = {one.transport for one in catalog.deployments()}
    provider = Provider(lane.find)
    pipeline = compile_pipeline(runtime.loaded, runtime.manager, catalog, dict.fromkeys(sorted(transports), provider))
    following = Following(
        unchanged=lane.common.entries,
        ways={entry.name: way_of(entry) for entry in runtime.loaded},
        find=lane.find,
        fresh=lane.fresh,
        diverged=lane.diverged.__contains__,
    )
    runtime.pipeline = replace(
        pipeline, pre_request=following.steps(pipeline.pre_request), route=following.steps(pipeline.route)
    )
    jobs = [(plugin, _seldom(job)) for plugin, job in collected(runtime.manager.hook.schedule.get_hookimpls())]
    runtime.scheduler = Scheduler(jobs, pipeline.faults)
    runtime.lend = partial(ReplayLent, VERSION, _lane=lane)


def _seldom(job: Job) -> Job:
    """In this process, which is all of the cluster there is."""
    often = job.every is not None and job.every < _OFTEN
    return replace(job, scope="process", every=_SELDOM if often else job.every)


def _without_care(catalog: Catalog) -> Catalog:
    def calm(target: Target) -> Target:
        retries = replace(target.care.retries, budget_per_second=1e9, budget_percent=100.0)
        return replace(target, care=Care(retries=retries, **_CALM))  # type: ignore[arg-type]

    return replace(
        catalog,
        models={name: tuple(map(calm, found)) for name, found in catalog.models.items()},
        catch_all=tuple(map(calm, catalog.catch_all)),
        fallbacks={
            name: tuple((model, tuple(map(calm, found))) for model, found in extras)
            for name, extras in catalog.fallbacks.items()
        },
    )
