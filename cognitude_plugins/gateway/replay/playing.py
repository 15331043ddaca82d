"""One recorded call on its way through one pipeline, and what its providers are taken to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from hooks import Call, Deployment, Plan, Reply, Usage

from ..providers import Broke, ProviderError
from .bodies import answer_of, events_of, refusal_of
from .item import Item
from .known import Known
from .script import Attempt, Script

Basis = Literal["recorded", "other", "estimated"]
"""Of the tokens: the row's, of the same deployment; the row's, of another one; of equal or similar calls."""

_PASSED_OVER: Final = frozenset({"circuit_open", "rate_limited", "full", "retry_budget", "hedge_lost"})
_LIMITS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_BEFORE_THE_END: Final = 0.999
"""Of the time that a drained answer took: its client had left by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a provider is taken to have given. ``usage`` is None where the recording does not know it either.

    ``longer`` is how many tokens the answer might have had, where it was cut off at a limit that is now higher.
    """

    deployment: Deployment
    usage: Usage | None
    basis: Basis
    longer: int | None = None


@dataclass(slots=True, kw_only=True)
class Playing:
    """``began`` is the loop's time. ``same_models``: the model that it names leads where it led when it was recorded.

    ``choices`` are the deployments among which a router chose anew by what the ledger does not have. ``perhaps_kept``:
    a kept answer was given whose making is not in the recording, so that nobody knows whether it would be found.
    """

    item: Item
    known: Known
    began: float
    same_models: bool
    perhaps_kept: bool = False
    order: tuple[str, ...] = ()
    given: Given | None = None
    choices: tuple[Deployment, ...] = ()
    rerouted: bool = False
    followed: bool = False
    _script: Script = field(init=False)

    def __post_init__(self) -> None:
        self._script = Script(self.item.row.tried if self.item.answered else None)

    @property
    def leaves(self) -> float | None:
        """After how many seconds the client left, or the gateway stopped; None when it did not."""
        row = self.item.row
        if row.complete or row.error not in ("client_disconnect", "shutdown"):
            return None
        return row.latency_us / 1e6 * (_BEFORE_THE_END if row.usage_reported else 1.0)

    async def attempt(self, call: Call, deployment: Deployment) -> Reply:
        """As a provider's ``send``. What is not in the recording is answered."""
        row = self.item.row
        one = self._script.next(deployment.id)
        if one is None and row.source == "error":
            one = self._script.last(deployment.id)
        if one is None:
            return await self._answered(call, deployment)
        answers = one.outcome == "ok" or (row.source == "provider" and self._is_last(one, deployment))
        if not answers:
            await asyncio.sleep(0.0 if one.outcome in _PASSED_OVER else one.seconds)
            raise self._failure(one)
        if row.status >= 400 and self.item.served:
            await asyncio.sleep(one.seconds)
            return refusal_of(row.status, row.error)
        return await self._answered(call, deployment)

    def _is_last(self, one: Attempt, deployment: Deployment) -> bool:
        return self.item.row.deployment == deployment.id and not self._script.more(deployment.id)

    def _failure(self, one: Attempt) -> ProviderError:
        row = self.item.row
        status = row.status if row.source == "error" else _status_of(one.outcome)
        # What was the end of it then is the end of it now, where nothing else could have been tried.
        ended = row.source == "error" and self.same_models and not self.rerouted
        last = not any(self._script.more(id) for id in self._script.order)
        again = not one.outcome.startswith("status_3") and not (ended and last)
        code = row.error or f"provider_{one.outcome}"
        return ProviderError(one.outcome, refusal_of(status, code), retryable=again)

    async def _answered(self, call: Call, deployment: Deployment) -> Reply:
        given = self.given = self._given(call, deployment)
        first, end = self._times(deployment)
        if not call.stream:
            await self._until(end)
            return answer_of(call.api, deployment.upstream_model, given.usage)
        await self._until(first)
        events = events_of(call.api, deployment.upstream_model, given.usage, lambda: self._ended(end))
        return Reply(chunks=events)

    async def _ended(self, end: float) -> None:
        await self._until(end)
        if self.item.row.error == "provider_error" and not self.item.row.complete:
            raise Broke("as recorded")

    async def _until(self, seconds: float) -> None:
        """After the call's arrival."""
        left = self.began + seconds - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    def _times(self, deployment: Deployment) -> tuple[float, float]:
        """Seconds after arrival to the first token and to the end."""
        row = self.item.row
        seconds = row.latency_us / 1e6
        if not self._is_same(deployment):
            now = asyncio.get_running_loop().time() - self.began
            usual = self.known.seconds(deployment.id)
            seconds = now + (seconds if usual is None else usual)
        elif self.leaves is not None and not row.usage_reported:
            seconds = seconds * 2 + 60  # It was still under way then.
        share = (row.first_token_us or row.latency_us) / max(1, row.latency_us)
        return seconds * share, seconds

    def _given(self, call: Call, deployment: Deployment) -> Given:
        item = self.item
        usage, basis = item.usage, self._basis(deployment)
        if basis == "estimated":
            usage = self.known.usage(item)
        limit = _limit(call.payload.peek())
        longer = None
        if usage is not None and limit is not None and usage.completion_tokens > limit:
            usage = replace(usage, completion_tokens=limit, reasoning_tokens=min(limit, usage.reasoning_tokens))
        elif usage is not None and _was_cut(item, usage) and (limit is None or limit > usage.completion_tokens):
            longer = limit or 2 * usage.completion_tokens
        return Given(deployment=deployment, usage=usage, basis=basis, longer=longer)

    def _is_same(self, deployment: Deployment) -> bool:
        return self.item.served and self.item.row.deployment in (None, deployment.id)

    def _basis(self, deployment: Deployment) -> Basis:
        """A kept answer reports the tokens of the one it was made of: they are those that the call would have used."""
        item = self.item
        if self._is_same(deployment):
            return "recorded"
        if item.usage is None or item.row.status >= 400:
            return "estimated"
        kept = not item.served and self.order[:1] == (deployment.id,)
        return "recorded" if kept else "other"

    def routed(self, plan: Plan, why: str) -> Plan | None:
        """The plan in the recorded order; None where it has no such deployment, or leads to another model by now."""
        places = {id: place for place, id in enumerate(self.order)}
        first = next((one for one in plan.deployments if one.id == self.order[0]), None) if self.order else None
        if first is None or (self.rerouted and plan.deployments[0].model != first.model):
            return None
        return plan.rank(lambda one: places.get(one.id, len(places)), why=why)


class Provider:
    """In the place of every transport. ``of`` finds the call that is being played by its id."""

    def __init__(self, of: Callable[[str], Playing | None]) -> None:
        self._of = of

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, call: Call, body: bytes, target: Any, headers: Mapping[str, str]) -> Reply:
        playing = self._of(call.id)
        if playing is None:
            raise ProviderError("not_recorded", refusal_of(503, "not_recorded"), retryable=False)
        return await playing.attempt(call, target.deployment)


def _limit(body: Mapping[str, Any]) -> int | None:
    known = [one for one in map(body.get, _LIMITS) if type(one) is int and one > 0]
    return min(known, default=None)


def _was_cut(item: Item, usage: Usage) -> bool:
    most = item.row.max_tokens
    return most is not None and usage.completion_tokens >= most


def _status_of(outcome: str) -> int:
    if outcome == "timeout":
        return 504
    number = outcome.removeprefix("status_")
    return int(number) if number.isdigit() and number not in ("401", "402", "403") else 502
