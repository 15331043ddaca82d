"""A key counts as it is in the transaction: what another process took from it is gone, whatever this one remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection

from cognitude_plugins.gateway.accounts import keys, organizations, users
from cognitude_plugins.gateway.accounts.actor import OPERATOR, Actor
from cognitude_plugins.gateway.accounts.credentials import Credentials
from cognitude_plugins.gateway.accounts.declared import Declared
from cognitude_plugins.gateway.accounts.standing import Presented, actor_of
from cognitude_plugins.gateway.request_body import Refused
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Caller
from tests.gateway.accounts.office import Office, id_of
from tests.gateway.accounts.test_providers_api import BODY, PATH, client

Take = Callable[[Office, str, str], object]


def change(office: Office, work: Callable[[Connection], object]) -> None:
    office.storage.write_now(work)


def demoted(office: Office, token: str, user: str) -> None:
    change(office, lambda sql: keys.change(sql, OPERATOR, id_of(token), {"role": "member"}, office.now_ms))


def user_demoted(office: Office, token: str, user: str) -> None:
    change(office, lambda sql: users.change(sql, OPERATOR, user, {"role": "viewer"}))


def user_disabled(office: Office, token: str, user: str) -> None:
    change(office, lambda sql: users.change(sql, OPERATOR, user, {"status": "disabled"}))


def closed(office: Office, token: str, user: str) -> None:
    change(office, lambda sql: organizations.change(sql, OPERATOR, "acme", {"status": "disabled"}))


def expired(office: Office, token: str, user: str) -> None:
    sooner = {"expires_ms": office.now_ms + 1}
    change(office, lambda sql: keys.change(sql, OPERATOR, id_of(token), sooner, office.now_ms))
    office.now += 1


TAKEN: list[tuple[Take, int, str]] = [
    (lambda office, token, user: office.revoke(token), 401, "invalid_api_key"),
    (lambda office, token, user: office.rotate(token, 0), 401, "invalid_api_key"),
    (expired, 401, "invalid_api_key"),
    (user_disabled, 401, "invalid_api_key"),
    (closed, 401, "invalid_api_key"),
    (demoted, 403, "role_required"),
    (user_demoted, 403, "role_required"),
]
NAMES = ["revoked", "rotated", "expired", "user disabled", "organization disabled", "demoted", "user demoted"]


@pytest.mark.parametrize(("take", "status", "code"), TAKEN, ids=NAMES)
async def test_what_another_process_took_from_a_key_cannot_be_used_here(
    office: Office, take: Take, status: int, code: str
) -> None:
    """This process has not asked since: its gate lets the key in."""
    office.organization()
    user = office.user("ada", "admin")
    token = office.key(role="admin", user="ada")
    await office.directory.load()
    take(office, token, user)
    before = office.dump()
    made, _ = client(office, token)
    async with office.client(token) as accounts, made as providers:
        answers = [
            await accounts.post("/admin/keys", json={"role": "admin"}),
            await accounts.get("/admin/keys"),
            await providers.post(PATH, json=BODY),
            await providers.get(PATH),
            await providers.delete(PATH, params={"provider": "openai"}),
        ]
    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(status, code)}
    assert status != 401 or {one.headers["www-authenticate"] for one in answers} == {"Bearer"}
    assert office.dump() == before


async def test_a_gateway_admin_who_is_revoked_makes_no_successor(office: Office) -> None:
    token = office.key(None)
    await office.directory.load()
    office.revoke(token)
    async with office.client(token) as http:
        assert (await http.post("/admin/keys", json={"kind": "gateway_admin"})).status_code == 401
        assert (await http.post("/admin/organizations", json={"name": "Mine"})).status_code == 401


async def test_who_is_just_being_revoked_waits_for_it(office: Office) -> None:
    """His transaction comes after the one that takes his key from him, not in the middle of it."""
    office.organization()
    token = office.key(role="admin")
    await office.directory.load()
    begun, go = Event(), Event()

    def slowly(connection: Connection) -> None:
        keys.revoke(connection, OPERATOR, id_of(token), office.now_ms)
        begun.set()
        go.wait(5)

    other = Storage(office.storage.engine.url.render_as_string(hide_password=False))
    revoking = asyncio.create_task(other.write(slowly))
    await asyncio.to_thread(begun.wait, 5)
    async with office.client(token) as http:
        asked = asyncio.create_task(http.post("/admin/keys", json={"role": "admin"}))
        await asyncio.sleep(0.3)
        go.set()
        assert (await asked).status_code == 401
    await revoking
    other.close()


async def test_the_old_secret_works_within_its_overlap(office: Office) -> None:
    office.organization()
    old = office.key(role="admin")
    await office.directory.load()
    new = office.rotate(old, 60)
    await office.directory.refresh()
    for token in (old, new):
        async with office.client(token) as http:
            assert (await http.post("/admin/keys", json={})).status_code == 201


DECLARED = Declared(keys=frozenset({"ops", "root"}), organizations=frozenset({"acme", "elsewhere"}))


def asks(office: Office, caller: Caller, secret: bytes = b"a-declared-secret-of-32-characters") -> Actor:
    presented = Presented(caller=caller, secrets=(secret,))
    return office.storage.read_now(
        lambda connection: actor_of(connection, presented, office.secrets, DECLARED, office.now_ms)
    )


def test_a_declared_key_needs_no_row(office: Office) -> None:
    office.organization()
    for organization in ("acme", "elsewhere"):
        found = asks(office, Caller(organization=organization, key="ops", role="admin", models=("m",)))
        assert found == Actor(organization=organization, models=("m",))
    assert asks(office, Caller(organization="", key="root", role="admin", admin=True)) == OPERATOR


def test_a_key_that_is_neither_in_the_database_nor_declared_is_refused(office: Office) -> None:
    """As after the database was put back to an earlier state."""
    office.organization()
    with pytest.raises(Refused):
        asks(office, Caller(organization="acme", key="gone", role="admin"))


def test_a_declared_key_of_a_disabled_organization_is_refused(office: Office) -> None:
    office.organization()
    closed(office, "", "")
    with pytest.raises(Refused):
        asks(office, Caller(organization="acme", key="ops", role="admin"))
    acting = asks(office, Caller(organization="acme", key="root", role="admin", admin=True))
    assert acting == Actor(organization="acme", admin=True)


def test_no_secret_is_shown() -> None:
    presented = Presented.of(Caller(organization="acme", key="ops"), [(b"x-api-key", b"hush-hush-hush")])
    assert presented.secrets == (b"hush-hush-hush",)
    assert "hush" not in repr(presented)


async def put(office: Office, token: str, query: str = "") -> tuple[int, Any]:
    made, credentials = client(office, token)
    await office.directory.refresh()
    async with made:
        answer = await made.post(PATH + query, json=BODY)
    await credentials.load()
    return answer.status_code, answer.json().get("error", {}).get("code")


async def test_a_providers_key_is_for_an_organization_that_is_there_and_active(office: Office) -> None:
    root = office.key(None)
    office.organization()
    assert await put(office, root, "?organization=acme") == (201, None)
    assert await put(office, root, "?organization=ghost") == (404, "not_found")
    closed(office, "", "")
    assert await put(office, root, "?organization=acme") == (409, "organization_disabled")
    office.declared = DECLARED
    assert await put(office, root, "?organization=elsewhere") == (201, None)
    assert await put(office, root, "?organization=acme") == (409, "organization_disabled"), "declared, and disabled"
    assert await Credentials(office.storage, office.secrets).listed("ghost") == []
