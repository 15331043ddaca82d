"""What one call used and what that cost, and its row in the ledger: settled once, written once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from hooks import Call, Deployment, Reply, Usage

from .ledger.entry import entry
from .ledger.estimate import estimated_tokens
from .ledger.records import LARGEST
from .ledger.sample import Sample
from .lifeline import Gone
from .prices import PriceBook
from .respond import Delivered
from .trace import Trace

Append = Callable[[bytes], Awaitable[None] | None]
"""Of a journal: returns what to wait for until the row is safe, if that is not now."""

_COUNTED_APIS: Final = frozenset({"chat", "completions", "embeddings"})


@dataclass(slots=True, kw_only=True)
class Account:
    """``append`` is None where nothing is written: a dry run, and a runtime that was never started.

    ``drain_nano_usd`` may be spent on an answer after its reader has left.
    """

    requested_model: str
    known_model: bool
    trace: Trace
    prices: PriceBook
    append: Append | None
    tags: Mapping[str, str] = field(default_factory=dict)
    drain_nano_usd: int = 0
    usage: Usage | None = field(default=None, init=False)
    cost_nano_usd: int | None = field(default=None, init=False)
    _settled: bool = field(default=False, init=False)
    _written: bool = field(default=False, init=False)
    _drained_nano_usd: int = field(default=0, init=False)

    @property
    def closed(self) -> bool:
        """Whether there is nothing left to do."""
        return self._settled and self._written

    async def settle(self, call: Call, delivered: Delivered, provided: Reply | None) -> None:
        """Usage and cost from here on. ``provided`` is the provider's own answer, if there is one.

        Nothing when no provider was called; None when the price or the usage is not known. What a provider's answer
        was replaced by makes no difference to what it cost.
        """
        if self._settled:
            return
        usage = delivered.usage
        if usage is None and provided is not None and provided.status < 400 and call.api in _COUNTED_APIS:
            usage = await asyncio.to_thread(_counted, call, delivered, provided)
        self.usage = usage
        self.cost_nano_usd = self._cost(usage, provided)
        self._note_saved(call, usage)
        self._settled = True

    def give_up(self) -> None:
        """What is not known by now stays unknown: after a mistake of ours, which is not to be made again."""
        self._settled = True

    def _cost(self, usage: Usage | None, provided: Reply | None) -> int | None:
        if provided is None or provided.deployment is None:
            return None if self.trace.unsure else 0
        if usage is None:
            return 0 if provided.status >= 400 else None
        price = self.prices.of(provided.deployment)
        cost = None if price is None else price.cost(usage)
        return None if cost is None or cost > LARGEST else cost

    def _note_saved(self, call: Call, usage: Usage | None) -> None:
        """Against the deployment that a router names, where both costs are known."""
        told = call.state.get("ledger")
        baseline = told.get("baseline") if isinstance(told, dict) else None
        if not isinstance(baseline, Deployment) or usage is None or self.cost_nano_usd is None:
            return
        price = self.prices.of(baseline)
        cost = None if price is None else price.cost(usage)
        if cost is not None and cost <= LARGEST:
            call.record(saved_nano_usd=cost - self.cost_nano_usd)

    def affords(self, chunk: bytes, provided: Reply | None) -> bool:
        """Whether a stream without a reader may be read on after this chunk, by an estimate of what it cost.

        Where no price is known, always.
        """
        price = None if provided is None or provided.deployment is None else self.prices.of(provided.deployment)
        if price is None:
            return True
        sample = Sample()
        sample.add(chunk)
        tokens = estimated_tokens(sample.text()[0])
        cost = price.cost(Usage(completion_tokens=tokens))
        self._drained_nano_usd += 0 if cost is None else cost - price.per_request
        return self._drained_nano_usd <= self.drain_nano_usd

    async def write(self, call: Call, reply: Reply, gone: Gone | None) -> None:
        """The row, before the last byte leaves. Raises `JournalError` when it cannot be kept and must be."""
        if self._written or self.append is None or call.dry_run:
            return
        row = entry(
            call=call,
            requested_model=self.requested_model,
            known_model=self.known_model,
            reply=reply,
            trace=self.trace,
            gone=gone,
            usage=self.usage,
            cost_nano_usd=self.cost_nano_usd,
            tags=self.tags,
        )
        waiting = self.append(orjson.dumps(row))
        self._written = True
        if waiting is not None:
            await waiting


def _counted(call: Call, delivered: Delivered, provided: Reply) -> Usage | None:
    """What the provider did not say, counted by us. None for an answer of which nothing came, or that is no JSON."""
    from .ledger import counting

    model = provided.deployment.upstream_model if provided.deployment is not None else call.model
    if delivered.sample is not None:
        if not delivered.sample.total:
            return None
        completion = delivered.sample.completion_tokens(model)
    else:
        body = provided.body
        if not isinstance(body, Mapping):
            return None
        completion = counting.answer_tokens(body, model)
    prompt = counting.prompt_tokens(call.api, call.body, model)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, reported=False)
