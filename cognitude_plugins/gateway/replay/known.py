"""What the recording has told so far: of calls that ask the same, and of each model and deployment."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace
from statistics import median
from typing import Final, TypeVar

from hooks import Usage

from ..ledger.prompt_estimate import prompt_estimate
from .item import Item
from .script import Script

T = TypeVar("T")

_MOST: Final = 500_000
_LATENCIES: Final = 101


class Known:
    """To be told each call (`see`) before it is played. Of requests, the least recent are forgotten."""

    def __init__(self) -> None:
        self._usages: OrderedDict[str, Usage] = OrderedDict()
        self._orders: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._means: dict[tuple[str, ...], _Mean] = {}
        self._seconds: dict[str, deque[float]] = {}

    def see(self, item: Item) -> None:
        row, usage, identity = item.row, item.usage, item.identity
        if not item.answered:
            return
        if usage is not None and row.status < 400:
            for place in _places(item):
                self._means.setdefault(place, _Mean()).add(usage)
            if identity is not None:
                _put(self._usages, identity, usage)
        if item.served and row.complete and row.deployment is not None and row.status < 400:
            self._seconds.setdefault(row.deployment, deque(maxlen=_LATENCIES)).append(row.latency_us / 1e6)
            if identity is not None and row.tried is not None:
                _put(self._orders, identity, Script(row.tried).order)

    def usage(self, item: Item) -> Usage:
        """About what a call uses whose answer was never made, or not by a provider."""
        found = None if item.identity is None else self._usages.get(item.identity)
        if found is not None:
            return found
        means = (self._means.get(place) for place in _places(item))
        mean = next((one for one in means if one is not None), None)
        usage = Usage(completion_tokens=item.row.max_tokens or 0) if mean is None else mean.usage
        return usage if item.body is None else replace(usage, prompt_tokens=prompt_estimate(item.row.api, item.body))

    def order(self, item: Item) -> tuple[str, ...]:
        """The deployments that were tried, in their order; of a call that no provider had, those of an equal one."""
        own = Script(item.row.tried).order
        if not own and item.row.deployment is not None:
            own = (item.row.deployment,)
        if own or item.identity is None:
            return own
        return self._orders.get(item.identity, ())

    def seconds(self, deployment: str) -> float | None:
        """The median of its last answers."""
        found = self._seconds.get(deployment)
        return median(found) if found else None


class _Mean:
    __slots__ = ("_calls", "_completion", "_prompt")

    def __init__(self) -> None:
        self._calls = self._prompt = self._completion = 0

    def add(self, usage: Usage) -> None:
        self._calls += 1
        self._prompt += usage.prompt_tokens
        self._completion += usage.completion_tokens

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=self._prompt // self._calls, completion_tokens=self._completion // self._calls)


def _places(item: Item) -> tuple[tuple[str, ...], ...]:
    """From the narrowest to the widest."""
    row = item.row
    return (row.organization, row.requested_model), (row.requested_model,), ()


def _put(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST:
        kept.popitem(last=False)
