"""The account of a call that is being played: tokens and cost as they were, where they are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hooks import Call, Reply

from ..account import Account
from ..ledger.entry import entry
from ..lifeline import Gone
from ..respond import Delivered
from .playing import Playing


@dataclass(slots=True, kw_only=True)
class Purse(Account):
    """``row`` is what the ledger would have of it, once it is written."""

    playing: Playing
    same_price: Callable[[str], bool]
    row: Mapping[str, Any] = field(default_factory=dict, init=False)

    async def settle(self, call: Call, delivered: Delivered, provided: Reply | None) -> None:
        """No tokens are counted: there are no words."""
        if self._settled:
            return
        given = self.playing.given
        self.usage = delivered.usage if provided is None or given is None else given.usage
        self.cost_nano_usd = self._cost(self.usage, provided)
        if self._is_as_recorded():
            self.cost_nano_usd = self.playing.item.row.cost_nano_usd
        self._note_saved(call, self.usage)
        self._settled = True

    async def write(self, call: Call, reply: Reply, gone: Gone | None) -> None:
        if self._written:
            return
        self.row = entry(
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
        self._written = True

    def _is_as_recorded(self) -> bool:
        """The row's cost has what its tokens alone do not tell, such as what tools of the provider's cost."""
        given, item = self.playing.given, self.playing.item
        return (
            given is not None
            and item.served
            and given.deployment.id == item.row.deployment
            and given.usage == item.usage
            and self.same_price(given.deployment.id)
        )
