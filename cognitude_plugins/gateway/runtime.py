"""Everything one configuration makes: built without I/O, started, served from, stopped. A reload builds another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pluggy

from hooks import Call, Ceilings, ConfigError, Deployment, PluginError, Reply

from .account import Account
from .auth import Keyring, keyring
from .behind import INNER, behind_us
from .books import Books, opened
from .config import Config
from .foreign import ask, enter
from .ids import new_id
from .ledger.journal_errors import JournalError
from .lent import Lent
from .lifeline import Gone
from .loader import Loaded, load_file, register
from .lost_hedge import settle
from .misfits import misfits
from .models import Catalog, targets
from .offers import Offers, offered
from .outbound.guard import guard_of
from .outbound.lent import GuardedOutbound
from .pipeline import Pipeline, compile_pipeline
from .prices import Price, PriceBook
from .providers import Provider
from .providers.transports import transports
from .redis_service import RedisService
from .redis_service import opened as opened_redis
from .redis_url import RedisRole
from .request_body import BodyLimits
from .routes import collect_routes
from .scheduler import Scheduler, collected
from .settings import GatewayTimeouts, Limits
from .trace import Trace
from .traits import TraitBook
from .under_way import UnderWay
from .validate import CallLimits
from .version import VERSION
from .vitals import VitalsBook
from .watchers import Background

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from .course import Course

NO_TAGS: Final[Mapping[str, str]] = {}
_FREE: Final = Price(input=0, output=0)


@dataclass(slots=True, kw_only=True)
class Runtime:
    """One configuration at work. Fixed once built, but for what is under way and for what `start` opens and reads.

    ``linger`` is for how many seconds an answer is read on after its reader has left, None for not at all. ``lend``
    makes what plugins are lent.
    """

    config: Config
    loaded: tuple[Loaded, ...]
    manager: pluggy.PluginManager
    catalog: Catalog
    pipeline: Pipeline
    keyring: Keyring
    routes: tuple[BaseRoute, ...]
    offers: Offers
    outbound: GuardedOutbound
    scheduler: Scheduler
    limits: Limits
    timeouts: GatewayTimeouts
    body_limits: BodyLimits
    call_limits: CallLimits
    server_timing: bool
    server_timing_header: str | None
    linger: float | None
    drain_nano_usd: int
    tags_header: bytes
    books: Books | None = None
    redis: RedisService | None = None
    cache: RedisService | None = None
    prices: PriceBook = field(default_factory=PriceBook)
    traits: TraitBook = field(default_factory=TraitBook)
    ceilings: Ceilings = field(default_factory=Ceilings)
    background: Background = field(default_factory=Background)
    under_way: UnderWay
    new_id: Callable[[], str] = new_id
    lend: Callable[[Callable[[], Runtime]], Lent] = field(default_factory=lambda: partial(Lent, VERSION))
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, before: Runtime | None = None) -> None:
        """Open books, providers, plugins in the order of the list, jobs. If one fails, what was opened is closed again.

        ``before`` is the configuration that was in force: its books and its Redis are gone on with if they fit.
        """
        try:
            await self._open(before)
        except BaseException:
            await self._stack.aclose()
            raise

    async def _open(self, before: Runtime | None) -> None:
        from .storage.plugin_tables import collect

        await asyncio.to_thread(self.config.data_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
        self.books = await opened(
            self.config, None if before is None else before.books, *collect(self.manager, self.loaded)
        )
        self._stack.push_async_callback(self.books.release)
        self.keyring.directory = self.books.directory
        self.prices = await asyncio.to_thread(_price_book, self.catalog)
        self.traits = await asyncio.to_thread(TraitBook.load, self.catalog.deployments())
        self.pipeline = replace(
            self.pipeline,
            upstreams=replace(
                self.pipeline.upstreams,
                target_for=self.books.credentials.target_for,
                traits=self.traits.of,
                lost=self._lost,
            ),
            unpriced=self._unpriced if self.config.gateway.require_price else None,
        )
        for provider in self.pipeline.providers.values():
            await provider.start()
            self._stack.push_async_callback(provider.stop)
        self.redis = await self._redis("redis", None if before is None else before.redis)
        self.cache = await self._redis("cache", None if before is None else before.cache)
        self._stack.push_async_callback(self.outbound.close)
        lent = self.lend(lambda: self)
        for hook in self.manager.hook.lifespan.get_hookimpls():
            await enter(hook, self._stack, ask(hook, "lifespan", lent))
        await self.scheduler.start(self.books.storage)
        self._stack.push_async_callback(self.scheduler.stop)

    async def _redis(self, role: RedisRole, before: RedisService | None) -> RedisService | None:
        service = await opened_redis(self.config, before, role)
        if service is not None:
            self._stack.push_async_callback(service.release)
        return service

    def _lost(self, call: Call, attempt: asyncio.Task[Reply | None], part: Course) -> None:
        self.background.start(settle(self, call, attempt, part))

    def _unpriced(self, deployment: Deployment) -> bool:
        return self.prices.of(deployment) is None

    @property
    def vitals(self) -> VitalsBook:
        """How its deployments are doing."""
        return self.pipeline.upstreams.vitals

    @property
    def opened(self) -> Books:
        """The books, from `start` on."""
        if self.books is None:
            raise RuntimeError("the runtime has not been started")
        return self.books

    def account(self, model: str, trace: Trace, tags: Mapping[str, str] = NO_TAGS) -> Account:
        """The account of one call for this model."""
        return Account(
            requested_model=model,
            known_model=model in self.catalog.models,
            trace=trace,
            prices=self.prices,
            append=None if self.books is None else self.books.journal.append,
            tags=tags,
            drain_nano_usd=self.drain_nano_usd,
        )

    async def note(self, call: Call, reply: Reply, trace: Trace, gone: Gone | None) -> None:
        """The row of a call that never came into the pipeline. It cost nothing."""
        model = call.payload.peek().get("model")
        account = self.account(model if isinstance(model, str) else "", trace)
        account.cost_nano_usd = 0
        with suppress(JournalError):
            await account.write(call, reply, gone)

    async def idle(self) -> None:
        """Wait until no call is under way and every watcher has been told."""
        while self.under_way:
            await asyncio.sleep(0.02)
        await self.background.finished()

    def abort(self, why: Gone) -> None:
        """End every call that is under way; `idle` then waits for their watchers."""
        for lifeline in self.under_way:
            lifeline.abort(why)

    async def stop(self) -> None:
        """Close in the reverse order. The caller has waited for `idle`."""
        await self._stack.aclose()


def build(path: Path, environ: Mapping[str, str], *, inner: Callable[[bool], Provider] | None = None) -> Runtime:
    """Read, validate, construct and compile; raises `ConfigError` with every problem. Touches no socket.

    ``inner`` makes the provider that is the app behind us when the pipeline runs as middleware: every model leads to
    it. It is told whether the client's own credential is handed on.
    """
    config, loaded = load_file(path, environ)
    manager = register(loaded)
    catalog = targets(config)
    proxy = config.gateway.proxy
    guard = guard_of(config)
    providers = transports(catalog, None if proxy is None else proxy.get_secret_value(), guard)
    if inner is not None:
        catalog = behind_us(catalog, config.gateway)
        providers = {INNER: inner(config.gateway.middleware.auth == "inner")}
    pipeline = compile_pipeline(loaded, manager, catalog, providers)
    try:
        routes = collect_routes(manager)
        jobs = collected(manager.hook.schedule.get_hookimpls())
        offers = offered(manager)
        problems = list(misfits(manager, loaded, offers.metrics, config.source))
    except PluginError as error:
        raise ConfigError(str(error)) from None
    if problems:
        raise ConfigError(problems)
    gateway = config.gateway
    return Runtime(
        config=config,
        loaded=loaded,
        manager=manager,
        catalog=catalog,
        pipeline=pipeline,
        keyring=keyring(gateway.keys, environ),
        routes=routes,
        offers=offers,
        outbound=GuardedOutbound(guard),
        scheduler=Scheduler(jobs, pipeline.faults),
        limits=gateway.limits,
        timeouts=gateway.timeouts,
        body_limits=BodyLimits(
            size=gateway.limits.body_bytes, depth=gateway.limits.json_depth, seconds=gateway.timeouts.request_body
        ),
        linger=gateway.on_disconnect.seconds if gateway.on_disconnect.policy == "drain" else None,
        drain_nano_usd=int(gateway.on_disconnect.usd * 1_000_000_000),
        tags_header=gateway.ledger.tags_header.lower().encode(),
        under_way=UnderWay(min(1.0, gateway.timeouts.request_body / 4, gateway.timeouts.client_write / 4)),
        call_limits=CallLimits(messages=gateway.limits.messages, n=gateway.limits.n),
        server_timing=gateway.server_timing,
        server_timing_header=gateway.server_timing_header,
    )


def _price_book(catalog: Catalog) -> PriceBook:
    """Simulated models cost nothing; the price map is read only if another deployment has no price of its own."""
    deployments = catalog.deployments()
    own = {id: Price.of(price) for id, price in catalog.prices.items()}
    free = {one.id: _FREE for one in deployments if one.transport == "simulated"}
    return PriceBook.load(deployments, {**free, **own})
