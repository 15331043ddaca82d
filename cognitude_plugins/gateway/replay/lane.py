"""One pipeline that recorded calls are played through: real plugins, and nothing of the real installation written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hooks import Call, Caller, Headers

from ..connection import Connection
from ..exchange import Exchange
from ..lifeline import Lifeline
from ..runtime import Runtime
from ..trace import Trace
from .bodies import request_of
from .item import Item
from .known import Known
from .playing import Playing
from .purse import Purse
from .result import Result, recorded, result_of
from .same import Common


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
            tags=row.tags,
            recorded=item.booked,
        )


def _nothing() -> None: ...


async def _never() -> Any:
    return await asyncio.get_running_loop().create_future()


async def _thrown_away(message: Any) -> None: ...
