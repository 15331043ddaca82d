"""The first key: made when nobody could come in, by one of those who ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from cognitude_plugins.gateway.accounts import keys, organizations, users
from cognitude_plugins.gateway.accounts.actor import OPERATOR
from cognitude_plugins.gateway.accounts.directory import Known
from cognitude_plugins.gateway.accounts.first_key import any_key, first_key
from cognitude_plugins.gateway.accounts.page import Page
from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.accounts.office import SECRETS, Office


async def test_the_first_key_administers_the_organization_default(office: Office) -> None:
    assert not any_key(office.storage)
    token = first_key(office.storage, SECRETS)
    assert token is not None
    await office.directory.load()
    known = office.directory.find(token.encode(), office.now)
    assert isinstance(known, Known)
    assert (known.organization, known.role, known.admin, known.models) == ("default", "admin", False, None)
    assert any_key(office.storage)
    assert first_key(office.storage, SECRETS) is None


def test_of_eight_that_ask_at_once_one_gets_it(each_database: Storage, database_url: str) -> None:
    barrier = Barrier(8)

    def ask() -> str | None:
        storage = Storage(database_url)
        try:
            barrier.wait(10)
            return first_key(storage, SECRETS)
        finally:
            storage.close()

    with ThreadPoolExecutor(8) as threads:
        made = [future.result() for future in [threads.submit(ask) for _ in range(8)]]
    assert sum(1 for token in made if token is not None) == 1
    found, _ = each_database.read_now(lambda c: keys.listed(c, OPERATOR, Page()))
    assert len(found) == 1


def disable(office: Office, what: Any, id: str) -> None:
    office.storage.write_now(lambda connection: what.change(connection, OPERATOR, id, {"status": "disabled"}))


@pytest.mark.parametrize("end", ["revoked", "expired", "organization", "user"])
def test_a_key_that_works_no_more_is_no_key(office: Office, end: str) -> None:
    organization, user = office.organization("shop"), office.user("ada", organization="shop")
    token = office.key("shop", user="ada", expires_ms=office.now_ms + 1 if end == "expired" else None)
    if end == "expired":
        office.storage.write_now(lambda c: c.exec_driver_sql("UPDATE api_key SET expires_ms = 1") and None)
    else:
        assert first_key(office.storage, SECRETS) is None
    if end == "revoked":
        office.revoke(token)
    elif end == "organization":
        disable(office, organizations, organization)
    elif end == "user":
        disable(office, users, user)
    assert first_key(office.storage, SECRETS) is not None


def test_a_gateway_admins_key_is_a_key(office: Office) -> None:
    office.key(None)
    assert first_key(office.storage, SECRETS) is None


def test_who_disabled_the_organization_default_gets_no_key_into_it(office: Office) -> None:
    office.organization("default")
    disable(office, organizations, "default")
    assert first_key(office.storage, SECRETS) is None
    assert not any_key(office.storage)
