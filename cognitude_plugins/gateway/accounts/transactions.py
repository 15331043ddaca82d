"""One request's reading or change of accounts: for whom, in one transaction, known to this process at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select
from starlette.requests import Request

from hooks import Caller

from ..storage.database import Storage
from .actor import Actor
from .directory import Directory
from .records import is_id, models_of
from .refusals import Refusal
from .secret_keys import SecretKeys
from .tables import ApiKey

T = TypeVar("T")
Work = Callable[[Connection, Actor, int], T]
"""What is to be done, for whom, and when (milliseconds since 1970)."""

_TABLE: Final[Any] = ApiKey.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """``clock`` gives seconds since 1970."""

    storage: Storage
    directory: Directory
    secrets: SecretKeys
    clock: Callable[[], float]

    async def read(self, request: Request, work: Work[T]) -> T:
        """Raises `Refusal` and `Unavailable`."""
        return await self.storage.read(self._bound(request, work))

    async def change(self, request: Request, work: Work[T]) -> T:
        """The same, committed; afterwards this process goes by it, the others within a second."""
        result = await self.storage.write(self._bound(request, work))
        await self.directory.refresh()
        return result

    def now_ms(self) -> int:
        return round(self.clock() * 1000)

    def _bound(self, request: Request, work: Work[T]) -> Callable[[Connection], T]:
        caller: Caller = request.state.caller
        now_ms = self.now_ms()
        return lambda connection: work(connection, actor_of(connection, caller), now_ms)


def actor_of(connection: Connection, caller: Caller) -> Actor:
    """With the restrictions of his key as they are in this transaction; those of a declared key are in the caller."""
    if caller.organization and not is_id(caller.organization):
        raise Refusal("not_found", "There is no such organization.", code="not_found")
    question = select(_TABLE.c.models, _TABLE.c.expires_ms).where(_TABLE.c.id == caller.key)
    row = connection.execute(question).first()
    return Actor(
        organization=caller.organization or None,
        admin=caller.admin,
        models=caller.models if row is None else models_of(row.models),
        expires_ms=None if row is None else row.expires_ms,
    )
