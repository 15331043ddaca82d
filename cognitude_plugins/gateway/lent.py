"""What plugins are lent in their `lifespan`: the `hooks.Gateway` of one runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hooks import (
    Call,
    Ceilings,
    Database,
    Deployment,
    Ledger,
    Metric,
    Outbound,
    Payload,
    Redis,
    Reply,
    Secrets,
    Section,
    Traits,
    Usage,
    Vitals,
)

from .accounts.sealed_texts import SealedTexts
from .codec import CODEC
from .exchange import Exchange
from .ids import own_id
from .ledger.prompt_estimate import prompt_estimate
from .lifeline import Lifeline
from .supervisor import workers
from .trace import Trace
from .traceparent import continued

if TYPE_CHECKING:
    from .runtime import Runtime


@dataclass(frozen=True, slots=True)
class Lent:
    """A narrow view of a runtime."""

    version: str
    _runtime: Callable[[], Runtime]

    @property
    def data_dir(self) -> Path:
        return self._runtime().config.data_dir

    @property
    def models(self) -> Mapping[str, tuple[Deployment, ...]]:
        models = self._runtime().catalog.models
        return {name: tuple(target.deployment for target in targets) for name, targets in models.items()}

    @property
    def ledger(self) -> Ledger:
        return self._runtime().opened.reader

    @property
    def database(self) -> Database:
        return self._runtime().opened.database

    @property
    def redis(self) -> Redis | None:
        return self._runtime().redis

    @property
    def cache(self) -> Redis | None:
        return self._runtime().cache

    @property
    def workers(self) -> int:
        return workers()

    @property
    def outbound(self) -> Outbound:
        return self._runtime().outbound

    @property
    def secrets(self) -> Secrets:
        return SealedTexts(self._runtime().opened.secrets)

    @property
    def ceilings(self) -> Ceilings:
        return self._runtime().ceilings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        return self._runtime().offers.metrics

    @property
    def sections(self) -> tuple[Section, ...]:
        return self._runtime().offers.sections

    def organizations(self) -> tuple[str, ...]:
        return self._runtime().keyring.organizations()

    def time_zone(self, organization: str) -> str:
        return self._runtime().opened.directory.time_zone(organization)

    def prompt_tokens(self, call: Call) -> int:
        return prompt_estimate(call.api, call.payload.peek())

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        price = self._runtime().prices.of(deployment)
        return None if price is None else price.cost(usage)

    def vitals(self, deployment: Deployment) -> Vitals:
        return self._runtime().vitals.of(deployment.id)

    def traits(self, deployment: Deployment) -> Traits:
        return self._runtime().traits.of(deployment)

    async def serve(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        """Runs in a task of its own, so that a plugin that is cancelled does not leave a call unaccounted."""
        runtime = self._runtime()
        return await asyncio.shield(runtime.background.start(_served(runtime, call, tags or {})))


async def _served(runtime: Runtime, call: Call, tags: Mapping[str, str]) -> Reply:
    call = replace(call, id=own_id(runtime.new_id()), tags=tags, state={})
    collected = _Collected()
    lifeline = Lifeline()
    trace = Trace()
    exchange = Exchange(
        call=call,
        trace=trace,
        pipeline=runtime.pipeline,
        account=runtime.account(call.model, trace, tags),
        background=runtime.background,
        lifeline=lifeline,
        connection=None,
        receive=_nobody_hangs_up,
        send=collected.send,
        forward={"traceparent": continued(None)},
        write_timeout=runtime.timeouts.client_write,
    )
    runtime.under_way.add(lifeline)
    try:
        await exchange.run()
    finally:
        runtime.under_way.discard(lifeline)
    return collected.reply()


async def _nobody_hangs_up() -> MutableMapping[str, Any]:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


class _Collected:
    """An ASGI ``send`` that keeps the answer."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        elif message.get("body"):
            self._parts.append(message["body"])

    def reply(self) -> Reply:
        if self._headers.get("content-type", "").startswith("text/event-stream"):
            return Reply(status=self._status, headers=self._headers, chunks=_again(self._parts))
        payload = Payload(raw=b"".join(self._parts), codec=CODEC)
        return Reply(status=self._status, headers=self._headers, payload=payload)


async def _again(parts: list[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
