"""A plugin that lets one call through and answers all others with the same 429."""

from __future__ import annotations

from hooks import Call, Reply, hookimpl

_AWAY = Reply.error(429, "No.", type="requests", code="rate_limit_exceeded")


class TurningAway:
    def __init__(self) -> None:
        self._let_in = False

    @hookimpl
    async def pre_request(self, call: Call) -> Reply | None:
        if self._let_in:
            return _AWAY
        self._let_in = True
        return None
