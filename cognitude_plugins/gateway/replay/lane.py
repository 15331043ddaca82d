"""One pipeline that recorded calls are played through: real plugins, and nothing of the real installation written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from hooks import Call, Caller, Headers, Job, Ledger, Reply, Unavailable

from ..books import TASKS
from ..care import BreakerRules, Care, Concurrency, Hedging
from ..connection import Connection
from ..exchange import Exchange
from ..lent import Lent
from ..lifeline import Lifeline
from ..pipeline import compile_pipeline
from ..providers import Target
from ..providers.catalog import Catalog
from ..runtime import Runtime
from ..scheduler import Scheduler, collected
from ..settings import Services
from ..trace import Trace
from ..version import VERSION
from .bodies import refusal_of, request_of
from .following import Following, way_of
from .item import Item
from .known import Known
from .origin import Origin
from .playing import Playing, Provider
from .purse import Purse
from .result import Result, recorded, result_of
from .same import Common

_SELDOM: Final = timedelta(minutes=1)
"""A job that looks every few seconds for what others have changed finds nothing here."""
_OFTEN: Final = timedelta(seconds=10)
_CALM: Final = {"breaker": BreakerRules(enabled=False), "concurrency": Concurrency(), "hedging": Hedging()}
"""Who was passed over, and which second attempts were made, is in the recording."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """Between `opened` and its end. ``callers`` are the models that each key may use, ``entries`` the names of those
    that are not off; ``diverged`` the organizations of which a call has come out otherwise than recorded.
    """

    runtime: Runtime
    common: Common
    known: Known
    callers: Mapping[str, tuple[str, ...] | None]
    entries: frozenset[str]
    own_calls: int = 0
    diverged: set[str] = field(default_factory=set)
    _playing: dict[str, Playing] = field(default_factory=dict)
    _kept: set[int] = field(default_factory=set)
    _asked: Counter[str | None] = field(default_factory=Counter)
    _same: dict[str, bool] = field(default_factory=dict)

    async def play(self, item: Item) -> Result:
        """To its end, from now on."""
        row, loop = item.row, asyncio.get_running_loop()
        began = loop.time()
        self._asked[item.identity] += 1
        playing = self._playing[row.id] = Playing(
            item=item,
            known=self.known,
            began=began,
            same_models=self._same_models(row.requested_model),
            perhaps_kept=item.was_kept and row.source in self.entries and self.fresh(item),
            order=self.known.order(item),
        )
        trace, lifeline = Trace(), Lifeline(None, self.runtime.linger)
        connection = Connection(_nothing)
        account = self._purse(playing, trace)
        if playing.leaves is not None:
            left = partial(lifeline.abort, "shutdown") if row.error == "shutdown" else connection.lose
            loop.call_at(began + playing.leaves, left)
        self.runtime.under_way.add(lifeline)
        try:
            await self._exchange(playing, trace, lifeline, connection, account).run()
        finally:
            self.runtime.under_way.discard(lifeline)
            self._ended(item)
        result = result_of(playing, account.row, self.runtime.prices)
        self._note_kept(item, result)
        if item.answered and result.decision() != recorded(row).decision():
            self.diverged.add(row.organization)
        return result

    def find(self, id: str) -> Playing | None:
        return self._playing.get(id)

    def fresh(self, item: Item) -> bool:
        """Whether no answer to it can have been kept in here, nor is on its way."""
        identity = item.identity
        return identity is None or (hash(identity) not in self._kept and self._asked[identity] < 2)

    def _ended(self, item: Item) -> None:
        del self._playing[item.row.id]
        self._asked[item.identity] -= 1
        if not self._asked[item.identity]:
            del self._asked[item.identity]

    def _note_kept(self, item: Item, result: Result) -> None:
        if item.identity is not None and result.source == "provider" and result.status == 200 and result.complete:
            self._kept.add(hash(item.identity))

    def _same_models(self, name: str) -> bool:
        found = self._same.get(name)
        if found is None:
            found = self._same[name] = self.common.models(name)
        return found

    def _exchange(
        self, playing: Playing, trace: Trace, lifeline: Lifeline, connection: Connection, account: Purse
    ) -> Exchange:
        runtime = self.runtime
        return Exchange(
            call=self._call(playing.item),
            trace=trace,
            pipeline=runtime.pipeline,
            account=account,
            background=runtime.background,
            lifeline=lifeline,
            connection=connection,
            receive=_never,
            send=_thrown_away,
            forward={},
            write_timeout=runtime.timeouts.client_write,
        )

    def _purse(self, playing: Playing, trace: Trace) -> Purse:
        runtime, row = self.runtime, playing.item.row
        return Purse(
            playing=playing,
            same_price=self.common.price,
            requested_model=row.requested_model,
            known_model=row.requested_model in runtime.catalog.models,
            trace=trace,
            prices=runtime.prices,
            append=None,
            tags=row.tags,
            drain_nano_usd=runtime.drain_nano_usd,
        )

    def _call(self, item: Item) -> Call:
        row = item.row
        models = self.callers.get(row.key)
        caller = Caller(organization=row.organization, key=row.key, user=row.user, models=models)
        api: Any = row.api
        return Call(
            id=row.id,
            api=api,
            caller=caller,
            payload=request_of(item),
            headers=Headers(),
            recorded=item.booked,
        )


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
    runtime.lend = partial(_Lent, VERSION, _lane=lane)


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


@dataclass(frozen=True, slots=True)
class _Lent(Lent):
    """What plugins are lent while calls are played."""

    _lane: Any = None

    @property
    def ledger(self) -> Ledger:
        return _ClosedLedger()

    @property
    def workers(self) -> int:
        return 1

    def prompt_tokens(self, call: Call) -> int:
        """Those of the recording, for the words are not in it."""
        playing: Playing | None = self._lane.find(call.id)
        if playing is None or playing.item.body is not None:
            return Lent.prompt_tokens(self, call)
        usage = playing.item.usage or playing.known.usage(playing.item)
        return max(1, usage.prompt_tokens)

    async def serve(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        """Not made: nobody knows what would be answered."""
        self._lane.own_calls += 1
        return refusal_of(503, "not_recorded")


class _ClosedLedger:
    """Plugins that ask the ledger learn that it does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def closed(*args: Any, **kwargs: Any) -> Any:
            raise Unavailable("the ledger cannot be asked while calls are replayed")

        return closed


def _nothing() -> None: ...


async def _never() -> Any:
    return await asyncio.get_running_loop().create_future()


async def _thrown_away(message: Any) -> None: ...
