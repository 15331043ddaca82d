"""The accounts of one database behind their real gate, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import event, text
from starlette.applications import Starlette
from starlette.types import Scope

from cognitude_plugins.gateway.accounts import keys, organizations, users
from cognitude_plugins.gateway.accounts.actor import OPERATOR
from cognitude_plugins.gateway.accounts.api import AccountsApi
from cognitude_plugins.gateway.accounts.declared import Declared
from cognitude_plugins.gateway.accounts.directory import Directory, Known
from cognitude_plugins.gateway.accounts.keys import NewKey
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.accounts.transactions import Transactions
from cognitude_plugins.gateway.auth import NO_KEY, WRONG_KEY, credentials
from cognitude_plugins.gateway.ids import new_id
from cognitude_plugins.gateway.routes import guarded
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Caller, Reply

NOON = 1_800_000_000.0
"""Where the clock stands at first: in January of 2027."""

SECRETS = SecretKeys([SecretKey.of("a secret key of tests, and only of tests")])


@dataclass(slots=True)
class Office:
    storage: Storage
    secrets: SecretKeys = SECRETS
    now: float = NOON
    declared: Declared = field(default_factory=Declared)
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.another()

    def another(self) -> Directory:
        """As another process has it."""
        return Directory(self.storage, self.secrets, clock=self.clock)

    def clock(self) -> float:
        return self.now

    @property
    def now_ms(self) -> int:
        return round(self.now * 1000)

    def organization(self, id: str = "acme") -> str:
        return self.storage.write_now(
            lambda connection: organizations.create(connection, name=id.title(), id=id, now_ms=self.now_ms).id
        )

    def user(self, name: str, role: Any = "member", organization: str = "acme") -> str:
        return self.storage.write_now(
            lambda connection: (
                users.create(
                    connection, OPERATOR, organization=organization, name=name, role=role, now_ms=self.now_ms
                ).id
            )
        )

    def key(self, organization: str | None = "acme", **fields: Any) -> str:
        """The secret of a new key; without an organization it is a gateway admin's."""
        new = NewKey(organization=organization, **fields)
        _, token = self.storage.write_now(
            lambda connection: keys.create(connection, OPERATOR, self.secrets, new, self.now_ms)
        )
        return token.text.decode()

    def rotate(self, token: str, seconds: int) -> str:
        """The new secret of this key."""
        _, new = self.storage.write_now(
            lambda connection: keys.rotate(connection, OPERATOR, self.secrets, id_of(token), self.now_ms, seconds)
        )
        return new.text.decode()

    def revoke(self, token: str) -> None:
        self.storage.write_now(
            lambda connection: keys.revoke(connection, OPERATOR, id_of(token), self.now_ms, keep_last=False)
        )

    def knows(self, token: str, directory: Directory | None = None) -> bool:
        return isinstance((directory or self.directory).find(token.encode(), self.now), Known)

    def client(self, token: str) -> httpx.AsyncClient:
        """To the API with this key, which the directory looks up as it is."""
        routes = self.api().routes()
        app = Starlette(routes=guarded(routes, self._admit, new_id))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://gateway",
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def api(self) -> AccountsApi:
        return AccountsApi(
            storage=self.storage,
            directory=self.directory,
            secrets=self.secrets,
            clock=self.clock,
            declared=self.declared,
        )

    def transactions(self) -> Transactions:
        return self.api().transactions

    def dump(self) -> bytes:
        """Every value of every table, and on SQLite the files themselves."""
        with self.storage.engine.connect() as connection:
            if self.storage.dialect == "sqlite":
                names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            else:
                names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            parts = []
            for table in connection.execute(text(names)).scalars().all():
                for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                    parts += [one if isinstance(one, bytes) else str(one).encode() for one in row]
            return b"\n".join(parts)

    async def _admit(self, scope: Scope) -> Caller | Reply:
        found = credentials(scope["headers"])
        if not found:
            return NO_KEY
        known = self.directory.find(found.pop(), self.now)
        return known.caller("127.0.0.1") if isinstance(known, Known) else WRONG_KEY


def id_of(token: str) -> str:
    return token.split("_")[1]


@contextmanager
def statements(storage: Storage) -> Iterator[list[str]]:
    """The text of all SQL that is run meanwhile."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append(statement)

    event.listen(storage.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(storage.engine, "before_cursor_execute", note)
