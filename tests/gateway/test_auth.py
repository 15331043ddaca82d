"""Who is calling: one key, in one of three headers, or nobody."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.accounts import organizations
from cognitude_plugins.gateway.accounts.actor import OPERATOR
from cognitude_plugins.gateway.auth import NO_KEY, TWO_KEYS, WRONG_KEY, Keyring, keyring
from cognitude_plugins.gateway.runtime import build
from cognitude_plugins.gateway.settings import Key
from cognitude_plugins.gateway.storage.database import Storage
from hooks import Caller, ConfigError, Reply
from tests.gateway.accounts.office import Office

SECRET = "a-secret-of-32-characters-012345"
OTHER = "another-secret-of-32-characters-"
KEY = Key(id="ops", secret=SECRET, organization="acme", role="admin", models=("small",))
RING = keyring([KEY, Key(id="app", secret=OTHER, organization="globex")], {})
OPS = Caller(organization="acme", key="ops", role="admin", models=("small",), address="192.0.2.1")


def admit(*headers: tuple[str, str | bytes]) -> Caller | Reply:
    raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]
    return RING.admit(raw, "192.0.2.1")


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", f"Bearer {SECRET}")],
        [("authorization", f"bearer {SECRET}")],
        [("authorization", f"BEARER   {SECRET}  ")],
        [("x-api-key", SECRET)],
        [("api-key", SECRET)],
        [("authorization", f"Bearer {SECRET}"), ("x-api-key", SECRET), ("api-key", SECRET)],
        [("authorization", f"Bearer {SECRET}"), ("authorization", f"Bearer {SECRET}")],
        [("authorization", "Bearer"), ("x-api-key", SECRET)],
        [("x-api-key", ""), ("api-key", SECRET)],
    ],
)
def test_a_key_is_taken_from_each_of_its_places(headers: list[tuple[str, str]]) -> None:
    assert admit(*headers) == OPS


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "bearer   ")],
        [("x-api-key", " ")],
        [("cookie", f"key={SECRET}")],
        [("proxy-authorization", f"Bearer {SECRET}")],
    ],
)
def test_without_a_key_nobody_is_let_in(headers: list[tuple[str, str]]) -> None:
    assert admit(*headers) is NO_KEY


@pytest.mark.parametrize(
    "value",
    [
        f"Basic {SECRET}",
        f"Token {SECRET}",
        f"Bearer{SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        f"Bearer {SECRET.upper()}",
        f"Bearer Bearer {SECRET}",
        f"Bearer {SECRET},{OTHER}",
        "Bearer " + "x" * 1_000_000,
        b"Bearer \xff\xfe\x00",
        "Bearer schlüssel",
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_wrong_key_is_a_401(value: str | bytes) -> None:
    assert admit(("authorization", value)) is WRONG_KEY


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", f"Bearer {SECRET}"), ("authorization", f"Bearer {OTHER}")],
        [("authorization", f"Bearer {SECRET}"), ("x-api-key", OTHER)],
        [("authorization", "Basic eDp5"), ("x-api-key", SECRET)],
        [("x-api-key", "wrong"), ("api-key", SECRET)],
    ],
)
def test_different_keys_are_a_400_whichever_of_them_is_right(headers: list[tuple[str, str]]) -> None:
    assert admit(*headers) is TWO_KEYS


def test_refusals_have_the_statuses_the_clients_expect() -> None:
    assert (NO_KEY.status, WRONG_KEY.status, TWO_KEYS.status) == (401, 401, 400)
    assert NO_KEY.headers["www-authenticate"] == "Bearer"
    assert WRONG_KEY.body["error"]["code"] == "invalid_api_key"


@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-api-key", b"api-key"]), st.binary()), max_size=4))
def test_no_string_of_bytes_lets_anybody_in(headers: list[tuple[bytes, bytes]]) -> None:
    assert RING.admit(headers, "") in (NO_KEY, WRONG_KEY, TWO_KEYS)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_only_the_secret_itself_lets_in(before: bytes, after: bytes) -> None:
    value = b"Bearer " + before + SECRET.encode() + after
    admitted = RING.admit([(b"authorization", value)], "192.0.2.1")
    assert (admitted == OPS) is (value[7:].strip() == SECRET.encode())


def test_no_secret_is_shown() -> None:
    assert repr(RING) == "Keyring(2 declared keys)"
    assert SECRET not in repr(KEY)
    assert SECRET not in str(vars(RING))


def test_two_keys_with_one_secret_are_refused_when_the_file_is_read(tmp_path: Path) -> None:
    keys = ", ".join(f"{{id: {name}, secret: {SECRET}, organization: acme}}" for name in ("ops", "twin"))
    (tmp_path / "plugins.yaml").write_text(f"gateway: {{keys: [{keys}]}}\nmodels: []\n")
    with pytest.raises(ConfigError, match="secret") as caught:
        build(tmp_path / "plugins.yaml", {})
    assert SECRET not in str(caught.value)


def test_the_environment_can_name_an_organizations_key_and_a_gateway_admins() -> None:
    ring = keyring([], {"COGNITUDE_BOOTSTRAP_KEY": OTHER, "COGNITUDE_ADMIN_KEY": SECRET})
    admitted = ring.admit([(b"x-api-key", OTHER.encode())], "")
    assert admitted == Caller(organization="default", key="bootstrap", role="admin")
    admin = ring.admit([(b"x-api-key", SECRET.encode())], "")
    assert admin == Caller(organization="", key="admin", role="admin", admin=True)


def test_one_key_cannot_be_of_both_kinds() -> None:
    with pytest.raises(ConfigError, match="different kinds") as caught:
        keyring([], {"COGNITUDE_BOOTSTRAP_KEY": OTHER, "COGNITUDE_ADMIN_KEY": OTHER})
    assert OTHER not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("{id: a, secret: SECRET}", "organization: is required"),
        ("{id: a, secret: SECRET, admin: true, organization: acme}", "organization: has no place"),
        ("{id: a, secret: SECRET, admin: true, role: viewer}", "role: has no place"),
        ("{id: a, secret: SECRET, admin: true, models: [small]}", "models: has no place"),
        ("{id: a, secret: SECRET, organization: acme, role: owner}", "role"),
    ],
)
def test_a_declared_key_is_of_one_kind(tmp_path: Path, key: str, rule: str) -> None:
    (tmp_path / "plugins.yaml").write_text(f"gateway: {{keys: [{key.replace('SECRET', SECRET)}]}}\nmodels: []\n")
    with pytest.raises(ConfigError, match=rule):
        build(tmp_path / "plugins.yaml", {})


def test_a_first_key_that_is_a_declared_one_gives_no_further_rights() -> None:
    ring = keyring([Key(id="app", secret=OTHER, organization="globex")], {"COGNITUDE_BOOTSTRAP_KEY": OTHER})
    assert ring.admit([(b"x-api-key", OTHER.encode())], "") == Caller(organization="globex", key="app")


def test_a_first_key_that_is_too_short_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="COGNITUDE_BOOTSTRAP_KEY") as caught:
        keyring([], {"COGNITUDE_BOOTSTRAP_KEY": "short-key"})
    assert "short-key" not in str(caught.value)


async def test_declared_keys_of_an_organization_that_is_disabled_are_refused(each_database: Storage) -> None:
    """Those of gateway.keys and the first key; a gateway admin's stays, and so does that of one without a row."""
    office = Office(each_database)
    for organization in ("acme", "default"):
        office.organization(organization)
    bootstrap, root = "bootstrap-of-32-characters-01234", "a-gateway-admin-of-32-characters"
    keys = [KEY, Key(id="app", secret=OTHER, organization="globex")]
    ring = keyring(keys, {"COGNITUDE_BOOTSTRAP_KEY": bootstrap, "COGNITUDE_ADMIN_KEY": root})
    ring.directory = office.directory
    await office.directory.load()

    def let_in() -> list[bool]:
        found = (ring.admit([(b"api-key", secret.encode())], "") for secret in (SECRET, bootstrap, OTHER, root))
        return [isinstance(one, Caller) for one in found]

    async def become(status: str) -> None:
        for id in ("acme", "default"):
            office.storage.write_now(partial(organizations.change, actor=OPERATOR, id=id, values={"status": status}))
        await office.directory.refresh()

    assert let_in() == [True, True, True, True]
    await become("disabled")
    assert let_in() == [False, False, True, True]
    assert ring.admit([(b"api-key", SECRET.encode())], "") is WRONG_KEY
    await become("active")
    assert let_in() == [True, True, True, True]


async def test_an_organization_exists_when_it_is_declared_or_in_the_database(each_database: Storage) -> None:
    office = Office(each_database)
    ring = keyring([KEY, Key(id="root", secret=OTHER, admin=True)], {})
    assert await ring.exists("whatever"), "before there is a database to ask"
    ring.directory = office.directory
    await office.directory.load()
    office.organization("globex")
    assert [await ring.exists(id) for id in ("acme", "globex", "ghost", "default", "")] == [True, True, *[False] * 3]
    await office.directory.close()


def test_an_empty_ring_lets_nobody_in() -> None:
    assert Keyring({}).admit([(b"x-api-key", b"")], "") is NO_KEY
