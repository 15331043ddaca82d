"""One request's reading or change of accounts: for whom, in one transaction, known to this process at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from ..storage.database import Storage
from . import organizations
from .actor import Actor
from .declared import Declared
from .directory import Directory
from .refusals import Refusal
from .revision import queue
from .secret_keys import SecretKeys
from .standing import Presented, actor_of

T = TypeVar("T")
Check = Callable[[Connection], Actor]
Work = Callable[[Connection, Actor, int], T]
"""What is to be done, for whom, and when (milliseconds since 1970)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """``clock`` gives seconds since 1970."""

    storage: Storage
    directory: Directory
    secrets: SecretKeys
    clock: Callable[[], float]
    declared: Declared = field(default_factory=Declared)

    async def read(self, request: Request, work: Work[T]) -> T:
        """Raises `Refusal`, `Refused` and `Unavailable`."""
        check, now_ms = self.check(request), self.now_ms()
        return await self.storage.read(lambda connection: work(connection, check(connection), now_ms))

    async def change(self, request: Request, work: Work[T]) -> T:
        """The same, committed; afterwards this process goes by it, the others within a second."""
        check, now_ms = self.check(request, writes=True), self.now_ms()
        result = await self.storage.write(lambda connection: work(connection, check(connection), now_ms))
        await self.directory.refresh()
        return result

    def check(self, request: Request, *, writes: bool = False, into: str | None = None) -> Check:
        """Who asks, to be found out first in the transaction: he may have lost his rights since he was let in.

        With ``writes`` whoever is about to take them from him is waited for. ``into`` is an organization that must be
        there and active. The check raises `Refusal` and `Refused`.
        """
        presented = Presented.of(request.state.caller, request.headers.raw)

        def check(connection: Connection) -> Actor:
            if writes:
                queue(connection)
            actor = actor_of(connection, presented, self.secrets, self.declared, self.now_ms())
            if into is not None:
                self._usable(connection, actor, into)
            return actor

        return check

    def now_ms(self) -> int:
        return round(self.clock() * 1000)

    def _usable(self, connection: Connection, actor: Actor, organization: str) -> None:
        try:
            organizations.usable(connection, actor, organization)
        except Refusal as refusal:
            if refusal.kind != "not_found" or organization not in self.declared.organizations:
                raise
