"""A message that says only that it has arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import Final

from hooks import EVERY_ORGANIZATION, Message, Receipt, Reply
from hooks.endpoint import Refused

from ..channels.directory import Known
from .courier import Courier, clean
from .ids import new_id
from .outbox import Claimed

MOST: Final = 4
"""Of one organization at once: the connections are everybody's."""


class Probe:
    """Sent past the outbox, once, and at the receiver's pace."""

    def __init__(self, courier: Courier, now: Callable[[], datetime]) -> None:
        self._courier = courier
        self._now = now
        self._under_way: Counter[str] = Counter()

    async def send(self, known: Known) -> tuple[Message, Receipt]:
        """Raises `hooks.endpoint.Refused` with 429 when its receiver takes nothing yet, or so many are under way."""
        whose = known.target.organization
        if self._under_way[whose] >= MOST:
            raise _busy(f"There are {MOST} tests under way already.", 1)
        self._under_way[whose] += 1
        try:
            return await self._send(known)
        finally:
            self._under_way[whose] -= 1

    async def _send(self, known: Known) -> tuple[Message, Receipt]:
        now, now_ms = self._now(), self._courier.now_ms()
        later_ms = await self._courier.free(known)
        if later_ms is not None:
            seconds = max(1, ceil((later_ms - now_ms) / 1000))
            raise _busy(f"The receiver of {known.target.name!r} takes the next message in {seconds} s.", seconds)
        whose = "the gateway" if known.target.organization == EVERY_ORGANIZATION else known.target.organization
        message = Message(
            id=new_id("msg", now_ms),
            kind="test",
            at=now,
            organization=known.target.organization,
            title=f"The channel {known.target.name} works",
            text="This is a test. Alerts and summaries that this channel wants are sent here.",
            facts=(("channel", known.target.name), ("of", whose)),
            data={"channel": known.target.name},
        )
        one = Claimed(message=message, channel=known.id, attempts=0, claim="")
        return message, clean(await self._courier.attempt(known, one), known)


def _busy(text: str, seconds: int) -> Refused:
    return Refused(Reply.error(429, text, code="receiver_busy", headers={"retry-after": str(seconds)}))
