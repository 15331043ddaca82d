"""What is not decided anew: entries that are as they were recorded, and decide by what the ledger does not have.

A plugin says by its class attribute ``replay`` what it decides by (``hooks/README.md``, Replay):

- ``anew``: by what a replay has: names, tags, tokens, times, prices. It decides, but for one thing: as long as all
  calls of an organization have come out as they were recorded, what such an entry knows is what it knew then. So if it
  is unchanged and decides otherwise, that is for something the ledger does not have (a header, an estimate of the
  prompt's length), and what was recorded holds.
- ``drawn``: besides by chance, or by what goes on in the process. Where its entry is unchanged, what it decided then
  holds; a changed one decides, which is right on average.
- ``read``, without an attribute: by words or headers. The same, but what a changed one decides is a guess.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hooks import Call, Plan, Reply

from ..loader import Loaded
from ..steps import Step
from .bodies import answer_of, events_of, refusal_of
from .item import Item
from .playing import Playing

Way = Literal["anew", "drawn", "read"]
Invoke = Callable[..., Awaitable[Any]]
Find = Callable[[str], Playing | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """``unchanged`` are names of entries; ``fresh`` says whether a kept answer cannot be found again, as it was kept
    before the recording, or nobody knows which calls are equal.
    """

    unchanged: frozenset[str]
    ways: dict[str, Way]
    find: Find
    fresh: Callable[[Item], bool]
    diverged: Callable[[str], bool]

    def steps(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        return tuple(replace(step, invoke=self._wrapped(step)) for step in steps)

    def _wrapped(self, step: Step) -> Invoke:
        name, way = step.policy.plugin, self.ways[step.policy.plugin]
        if step.stage == "pre_request":
            return self._answering(step.invoke, name, way) if name in self.unchanged else step.invoke
        if step.stage == "route" and way != "anew":
            return self._routing(step.invoke, name, way)
        return step.invoke

    def _answering(self, invoke: Invoke, name: str, way: Way) -> Invoke:
        async def answer(*values: Any) -> Any:
            call: Call = values[0]
            playing = self.find(call.id)
            if playing is None or not playing.item.answered:
                return await invoke(*values)
            item = playing.item
            own = item.row.source == name
            if own and (way != "anew" or (item.was_kept and self.fresh(item))):
                playing.followed = True
                return _recorded(call, item)
            found = await invoke(*values)
            replied = isinstance(found, Reply)
            if own == replied or (way == "anew" and self.diverged(item.row.organization)):
                return found
            playing.followed = True
            return _recorded(call, item) if own else None

        return answer

    def _routing(self, invoke: Invoke, name: str, way: Way) -> Invoke:
        async def route(*values: Any) -> Any:
            call, plan = values[0], values[1]
            playing = self.find(call.id)
            if playing is None:
                return await invoke(*values)
            if name in self.unchanged and playing.same_models and playing.item.answered:
                if playing.item.row.source == name:
                    return _recorded(call, playing.item)
                routed = playing.routed(plan, f"{name}: as recorded")
                if routed is not None:
                    return routed
            found = await invoke(*values)
            _note(playing, plan, found, way)
            return found

        return route


def way_of(entry: Loaded) -> Way:
    said = inspect.getattr_static(entry.plugin, "replay", None)
    if said is None:
        said = inspect.getattr_static(type(entry.plugin), "replay", "read")
    return said if said in ("anew", "drawn") else "read"


def _note(playing: Playing, before: Plan, found: Any, way: Way) -> None:
    """That a router has chosen otherwise than it is known to have."""
    if isinstance(found, Plan) and len(before.deployments) > 1:
        playing.rerouted = True
        # A row with a class has what a router made of the words.
        if way == "read" and playing.item.row.complexity is None:
            playing.choices = before.deployments


def _recorded(call: Call, item: Item) -> Reply:
    row = item.row
    if row.status >= 400:
        return refusal_of(row.status, row.error)
    if not call.stream:
        return answer_of(call.api, row.model, item.usage)
    return Reply(chunks=events_of(call.api, row.model, item.usage, _at_once))


async def _at_once() -> None: ...
