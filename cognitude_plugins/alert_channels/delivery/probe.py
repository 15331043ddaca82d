"""A message that says only that it has arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import ceil

from hooks import EVERY_ORGANIZATION, Message, Receipt, Reply
from hooks.endpoint import Refused

from ..channels.directory import Known
from .courier import Courier, clean
from .ids import new_id
from .outbox import Claimed


class Probe:
    """Sent past the outbox, once, and at the receiver's pace."""

    def __init__(self, courier: Courier, now: Callable[[], datetime]) -> None:
        self._courier = courier
        self._now = now

    async def send(self, known: Known) -> tuple[Message, Receipt]:
        """Raises `hooks.endpoint.Refused` with 429 when its receiver takes nothing yet."""
        now, now_ms = self._now(), self._courier.now_ms()
        later_ms = await self._courier.free(known)
        if later_ms is not None:
            seconds = max(1, ceil((later_ms - now_ms) / 1000))
            text = f"The receiver of {known.target.name!r} takes the next message in {seconds} s."
            raise Refused(Reply.error(429, text, code="receiver_busy", headers={"retry-after": str(seconds)}))
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
