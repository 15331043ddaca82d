"""Comparisons: some calls are answered by another model too, after the client has its answer, to see who is better."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any, Final

from hooks import Call, Gateway, Headers, Outcome, Payload, Reply, read

from . import verdicts
from .decide import Judged
from .examples import dumps
from .learned import Learned
from .prompt import text_of
from .routed import Routed
from .settings import Config
from .stored import Label, Place

log: Final = logging.getLogger("cognitude.complexity_router")

_MOST_AT_ONCE: Final = 8
_TAG: Final = "router"
_EXACT_APIS: Final = frozenset({"chat", "completions"})
_UNWANTED: Final = ("stream", "stream_options", "routing", "n", "cache")
_HEADERS: Final = {"cache-control": "no-store, no-cache", "x-cognitude-mirror": "router"}
"""Nobody is to keep or repeat these answers; nothing of the client's own headers is."""
_TURNS: Final = 8
_PER_CREDIT: Final = 0.1
_SURE: Final = 0.25
_MOST_CREDIT: Final = 5.0
_MOST_ORGANIZATIONS: Final = 10_000
_JUDGE_TOKENS: Final = 512
"""Room for a judge that thinks first; its ruling is one word."""


class Shadow:
    """At most `_MOST_AT_ONCE` comparisons are under way; those above it are left out, and counted."""

    def __init__(self, config: Config, gateway: Gateway, learned: Learned, random: Random) -> None:
        self._config = config
        self._gateway = gateway
        self._learned = learned
        self._random = random
        self._credits: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.left_out = 0
        self.failed = 0

    def drawn(self, call: Call, reply: Reply, routed: Routed) -> bool:
        """Whether this call is one of those: decided before its answer is known, so that it does not depend on it.

        Each call adds ``shadow_rate`` to what its organization has to spend on comparisons, and a comparison takes one:
        so the share is kept, and most of it goes to where too little is known.
        """
        able = reply.source == "provider" and reply.status == 200 and call.api in _EXACT_APIS
        if not able or len(routed.decision.fit) < 2 or not self._config.shadow_rate:
            return False
        organization = call.caller.organization
        credit = min(_MOST_CREDIT, self._credits.get(organization, 0.0) + self._config.shadow_rate)
        unsure = any(one.verdict == "unsure" for one in routed.decision.judged)
        drawn = self._random.random() < credit * _PER_CREDIT * (1.0 if unsure else _SURE)
        if organization not in self._credits and len(self._credits) >= _MOST_ORGANIZATIONS:
            self._credits.clear()
        self._credits[organization] = credit - drawn
        return drawn

    def begin(self, call: Call, routed: Routed, outcome: Outcome) -> None:
        """When the client has its answer to this call, as it was before other plugins changed it."""
        answer = verdicts.said(outcome.body)
        served = None if outcome.deployment is None else outcome.deployment.model
        if not outcome.complete or answer is None or served is None:
            self._refund(call)
            return
        other = self._other(routed, served)
        if other is None or (self._config.judge is None and verdicts.essence(answer) is None):
            self._refund(call)
            return
        if len(self._tasks) >= _MOST_AT_ONCE:
            self.left_out += 1
            return
        task = asyncio.get_running_loop().create_task(self._compare(call, routed, served, answer, other))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed += 1
            log.warning("a comparison failed: %s", type(error).__name__)

    def _refund(self, call: Call) -> None:
        """Nothing was spent: another call may be compared."""
        organization = call.caller.organization
        self._credits[organization] = self._credits.get(organization, 0.0) + 1.0

    async def settled(self) -> None:
        """Wait for the comparisons that are under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _other(self, routed: Routed, served: str) -> str | None:
        """The default, for an answer of another's; else one of the others, rather one of which too little is known."""
        reference = routed.decision.reference
        fit = routed.decision.fit
        if served != reference:
            return reference if any(one.model == reference for one in fit) else None
        others = [one for one in fit if one.model != reference]
        weights = [_curiosity(one) for one in others]
        return self._random.choices(others, weights)[0].model if others else None

    async def _compare(self, call: Call, routed: Routed, served: str, answer: tuple[str, Any], other: str) -> None:
        second = await self._answer(_again(call, other), "shadow")
        if second is None:
            self.failed += 1
            return
        reference = routed.decision.reference
        candidate = other if served == reference else served
        ours, theirs = (second, answer) if served == reference else (answer, second)
        loss = verdicts.exactly(ours, theirs)
        if loss != 0 and self._config.judge is not None and not (ours[1] or theirs[1]):
            loss = await self._judged(call, ours[0], theirs[0], self._config.judge)
        if loss is None:
            self.failed += 1
            return
        place = Place(organization=call.caller.organization, candidate=candidate, reference=reference, task=routed.task)
        features = dumps(routed.features) if self._config.learn_from_prompts else None
        self._learned.put(Label(id=call.id, place=place, loss=loss, features=features))

    async def _judged(self, call: Call, candidate: str, reference: str, judge: str) -> float | None:
        """Which of the two stands first is left to chance: judges prefer a place."""
        turned = self._random.random() < 0.5
        pair = (reference, candidate) if turned else (candidate, reference)
        body = {
            "model": judge,
            "messages": verdicts.question(asked_of(call), *pair),
            "temperature": 0,
            "max_tokens": _JUDGE_TOKENS,
        }
        said = await self._answer(_of_ours(call, body, judge), "judge")
        ruling = None if said is None else verdicts.ruling(said[0])
        if ruling in (None, "TIE"):
            return None if ruling is None else 0.0
        return 1.0 if (ruling == "A") == turned else -1.0

    async def _answer(self, call: Call, why: str) -> tuple[str, Any] | None:
        """Of the model that is named, and of no other that a fallback led to."""
        reply = await self._gateway.serve(call, tags={_TAG: why})
        body = await read(reply)
        ids = {one.id for one in self._gateway.models.get(call.model, ())}
        named = reply.headers.get("x-cognitude-source") == "provider" and reply.headers.get("x-cognitude-model") in ids
        return verdicts.said(body) if reply.status == 200 and named else None


def _curiosity(one: Judged) -> float:
    return 3.0 if one.verdict == "unsure" else 1.0


def asked_of(call: Call) -> str:
    """What the conversation comes to, for somebody who is to judge its next answer: who said what, the end whole."""
    body = call.payload.peek()
    messages = body.get("messages")
    if not isinstance(messages, list):
        return text_of(body.get("prompt"))
    turns = (one for one in messages[-_TURNS:] if isinstance(one, dict))
    return "\n\n".join(f"{one.get('role')}: {text_of(one.get('content'))}" for one in turns)


def _again(call: Call, model: str) -> Call:
    body: Mapping[str, Any] = call.payload.peek()
    kept = {name: value for name, value in body.items() if name not in _UNWANTED}
    return _of_ours(call, {**kept, "model": model}, model)


def _of_ours(call: Call, body: Mapping[str, Any], model: str) -> Call:
    """A call for the same caller, who may use this model by way of the alias though perhaps not by its name."""
    caller = call.caller
    models = None if caller.models is None else (*caller.models, model)
    return replace(
        call,
        api="chat" if "messages" in body else call.api,
        payload=Payload(value=dict(body)),
        headers=Headers(_HEADERS),
        caller=replace(caller, models=models),
        state={},
    )
