"""What plugins are lent while calls are played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hooks import Call, Ledger, Reply, Unavailable

from ..lent import Lent
from .bodies import refusal_of
from .lane import Lane
from .playing import Playing


@dataclass(frozen=True, slots=True)
class ReplayLent(Lent):
    """Made by ``partial(ReplayLent, version, _lane=lane)``."""

    _lane: Lane | None = None

    @property
    def ledger(self) -> Ledger:
        return _ClosedLedger()

    @property
    def workers(self) -> int:
        return 1

    def prompt_tokens(self, call: Call) -> int:
        """Those of the recording, for the words are not in it."""
        playing: Playing | None = None if self._lane is None else self._lane.find(call.id)
        if playing is None or playing.item.body is not None:
            return Lent.prompt_tokens(self, call)
        usage = playing.item.usage or playing.known.usage(playing.item)
        return max(1, usage.prompt_tokens)

    async def serve(self, call: Call, *, tags: Mapping[str, str] | None = None) -> Reply:
        """Not made: nobody knows what would be answered."""
        if self._lane is not None:
            self._lane.own_calls += 1
        return refusal_of(503, "not_recorded")


class _ClosedLedger:
    """Plugins that ask the ledger learn that it does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def closed(*args: Any, **kwargs: Any) -> Any:
            raise Unavailable("the ledger cannot be asked while calls are replayed")

        return closed
