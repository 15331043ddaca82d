"""The router at work: what is opened between start-up and shutdown, and what endpoints ask of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from sqlalchemy import Connection

from hooks import EVERY_ORGANIZATION, Booked, Call, Caller, ConfigError, Deployment, Gateway, Payload, Reply, Usage

from . import shipped, stored
from .apprentice import NotLearned, learn
from .bodies import AliasInfo, FamilyInfo, Feedback, GainInfo, ModelInfo, SmartInfo
from .catalogue import FAMILIES
from .gain import STRONG, posterior
from .latencies import Latencies, Q
from .learned import Learned, now_ms
from .model import Weights
from .pins import Pins
from .reason import Reason
from .router import Router
from .settings import Alias, Config
from .shadow import Shadow
from .stored import RatingPlace
from .study import FEWEST
from .tasks import TASK_TYPES

log: Final = logging.getLogger("cognitude.complexity_router")

Days = Mapping[str, tuple[float, ...] | None]
"""Seconds at the median and at `Q`, by model."""

_GROWN: Final = 1.2
_STALE_MS: Final = 7 * 86_400_000
_MOST_EXAMPLES: Final = 20_000
_MILLION: Final = 1_000_000
_PATIENCE_SECONDS: Final = 1.5
"""How long a call that has just been answered is waited for in the ledger."""
_DAYS: Final = 90
"""Examples and the ids of rated answers are kept for so long."""


class Desk:
    """``router`` is there between start-up and shutdown only."""

    def __init__(self, config: Config, name: str) -> None:
        self.config = config
        self.name = name
        self.learned = Learned(from_prompts=config.learn_from_prompts)
        self.router: Router | None = None
        self.shadow: Shadow | None = None
        self.generic: Weights | None = None
        self._gateway: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("the router has not been started")
        return self._gateway

    @asynccontextmanager
    async def opened(self, gateway: Gateway) -> AsyncIterator[None]:
        """Raises `ConfigError` for an alias that the configuration does not have as it is meant here."""
        self._check(gateway)
        async with AsyncExitStack() as stack:
            self._gateway = gateway
            pins = Pins(self.config.pin_seconds, gateway.redis)
            stack.push_async_callback(pins.close)
            self.shadow = Shadow(self.config, gateway, self.learned, Random())
            self.router = Router(
                self.config,
                gateway,
                name=self.name,
                learned=self.learned,
                pins=pins,
                slow=Latencies(gateway).slow,
                priors=await asyncio.to_thread(shipped.priors),
            )
            self.generic = await asyncio.to_thread(shipped.weights)
            await self.refresh()
            stack.push_async_callback(self.refresh)
            stack.push_async_callback(self.shadow.close)
            yield

    async def refresh(self) -> None:
        """Keep what was learned here, and learn what other workers have."""
        if self.gateway.database is not None:
            await self.learned.refresh(self.gateway.database)

    async def study(self) -> None:
        """Learn of single prompts, for each pair of which there are enough comparisons: when they are a fifth more than
        the last time, or that is a week ago."""
        database = self.gateway.database
        for pair, labels in await database.read(EVERY_ORGANIZATION, stored.pairs):
            before, made_ms = await database.read(pair.organization, partial(stored.trained, pair=pair))
            if labels < FEWEST or (labels < before * _GROWN and now_ms() - made_ms < _STALE_MS):
                continue
            found = await database.read(pair.organization, partial(stored.examples, pair=pair, most=_MOST_EXAMPLES))
            try:
                made = await learn(found)
            except NotLearned as error:
                log.warning("nothing was learned of %s: %s", pair.candidate, error)
                continue
            work = partial(stored.learned, pair=pair, labels=labels, weights=made, now_ms=now_ms())
            await database.write(pair.organization, work)

    async def forget(self) -> None:
        before = now_ms() - _DAYS * 86_400_000
        await self.gateway.database.write(EVERY_ORGANIZATION, lambda one: stored.forget(one, before))

    async def rate(self, caller: Caller, request_id: str, score: float) -> Feedback | str:
        """Or why it cannot be. Raises `hooks.Unavailable`."""
        booked = await self._booked(caller.organization, request_id)
        if booked is None:
            return "absent"
        reason = None if booked.route is None else Reason.read(booked.route, self.name)
        if reason is None:
            return "not_routed"
        place = RatingPlace(organization=caller.organization, model=booked.model or reason.model, task=reason.task)

        def work(connection: Connection) -> bool:
            return stored.rate(connection, request_id, place, score, now_ms())

        if not await self.gateway.database.write(caller.organization, work):
            return "already_rated"
        await self.refresh()
        return Feedback(request_id=request_id, model=place.model, task=place.task, score=score)

    async def analyze(self, call: Call) -> Reply:
        """The dry run's answer."""
        return await self.gateway.serve(call)

    def health(self) -> dict[str, object]:
        """Comparisons under way are nobody's business; what was lost of them is."""
        learned, shadow = self.learned, self.shadow
        return {
            "status": "ok" if learned.up else "degraded",
            "known": len(learned.cells),
            "dropped": learned.dropped,
            "left_out": 0 if shadow is None else shadow.left_out,
            "failed": 0 if shadow is None else shadow.failed,
        }

    async def info(self, organization: str) -> SmartInfo:
        """Raises `hooks.Unavailable`."""
        models = {one.model for alias in self.config.aliases for one in self.gateway.models[alias]}
        since = datetime.now(UTC) - timedelta(days=1)
        ledger, days = self.gateway.ledger, {}
        for model in sorted(models):
            days[model] = await ledger.latency(organization, since=since, quantiles=(0.5, Q), model=model)
        return SmartInfo(
            organization=organization,
            tasks=list(TASK_TYPES),
            aliases=[self._alias(name, alias, days) for name, alias in self.config.aliases.items()],
            gains=self._gains(organization),
            catalogue={name: FamilyInfo(**asdict(family)) for name, family in FAMILIES.items()},
        )

    def _check(self, gateway: Gateway) -> None:
        for name, alias in self.config.aliases.items():
            found = gateway.models.get(name)
            if found is None:
                raise ConfigError(
                    f"{self.name}: aliases.{name}: there is no such model; give it candidates under models, as in "
                    f"{{name: {name}, candidates: [a-small-one, a-large-one]}}"
                )
            models = list(dict.fromkeys(one.model for one in found))
            if alias.default is not None and alias.default not in models:
                raise ConfigError(
                    f"{self.name}: aliases.{name}.default: {alias.default!r} is none of its candidates, which are "
                    f"{', '.join(models)}"
                )
        if self.config.judge is not None and self.config.judge not in gateway.models:
            raise ConfigError(f"{self.name}: judge: there is no model {self.config.judge!r}")
        if self.config.judge in self.config.aliases:
            raise ConfigError(f"{self.name}: judge: {self.config.judge!r} is itself routed; name one model")

    async def _booked(self, organization: str, request_id: str) -> Booked | None:
        """The ledger has a call some tenths of a second after its answer."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            found = await self.gateway.ledger.find(organization, request_id)
            if found is not None or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.1)

    def _alias(self, name: str, alias: Alias, days: Days) -> AliasInfo:
        by_model: dict[str, list[Deployment]] = {}
        for deployment in self.gateway.models[name]:
            by_model.setdefault(deployment.model, []).append(deployment)
        return AliasInfo(
            alias=name,
            default=alias.default or next(iter(by_model)),
            optimize_for=alias.optimize_for,
            min_quality=alias.min_quality,
            models=[self._model(model, found, days[model] or (None, None)) for model, found in by_model.items()],
        )

    def _model(self, model: str, found: list[Deployment], day: Sequence[float | None]) -> ModelInfo:
        gateway, first = self.gateway, found[0]
        traits, vitals = gateway.traits(first), [gateway.vitals(one) for one in found]
        router = self.router
        return ModelInfo(
            model=model,
            deployments=[one.id for one in found],
            available=any(one.state != "open" for one in vitals),
            usd_per_million_input=_usd(gateway.cost(first, Usage(prompt_tokens=_MILLION))),
            usd_per_million_output=_usd(gateway.cost(first, Usage(completion_tokens=_MILLION))),
            context_tokens=traits.context_tokens,
            capabilities=None if traits.capabilities is None else sorted(traits.capabilities),
            p50_latency_ms=_ms(vitals[0].quantile(0.5)),
            p95_latency_ms=_ms(vitals[0].quantile(Q)),
            p50_day_ms=_ms(day[0]),
            p95_day_ms=_ms(day[1]),
            quality={} if router is None else {task: router.quality(first, task) for task in TASK_TYPES},
        )

    def _gains(self, organization: str) -> list[GainInfo]:
        gains = []
        for place, cell in self.learned.cells.items():
            if place.organization == organization:
                loss = posterior(cell, candidate=STRONG, reference=STRONG)
                gains.append(
                    GainInfo(
                        candidate=place.candidate,
                        reference=place.reference,
                        task=place.task,
                        labels=cell.labels,
                        expected_loss=round(loss.mean, 4),
                        deviation=round(loss.deviation, 4),
                    )
                )
        return sorted(gains, key=lambda one: (one.reference, one.candidate, one.task))


def dry_run(caller: Caller, body: dict[str, object]) -> Call:
    """A call that is decided on and not made."""
    return Call(id="", api="chat", caller=caller, payload=Payload(value=body), dry_run=True)


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / 1e9


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
