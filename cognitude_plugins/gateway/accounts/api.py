"""The endpoints of accounts, all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from ..storage.database import Storage
from .declared import Declared
from .directory import Directory
from .keys_api import KeysApi
from .organizations_api import OrganizationsApi
from .secret_keys import SecretKeys
from .transactions import Transactions
from .users_api import UsersApi


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsApi:
    """``clock`` gives seconds since 1970. After every change ``directory`` knows of it before the answer is sent."""

    storage: Storage
    directory: Directory
    secrets: SecretKeys
    clock: Callable[[], float] = time.time
    declared: Declared = field(default_factory=Declared)

    def routes(self) -> list[BaseRoute]:
        transactions = self.transactions
        return [
            *OrganizationsApi(transactions=transactions).routes(),
            *UsersApi(transactions=transactions).routes(),
            *KeysApi(transactions=transactions).routes(),
        ]

    @property
    def transactions(self) -> Transactions:
        return Transactions(
            storage=self.storage,
            directory=self.directory,
            secrets=self.secrets,
            clock=self.clock,
            declared=self.declared,
        )
