"""Providers' keys in the database: nothing of them is readable there, and they survive a change of the secret key."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import event, text

from cognitude_plugins.gateway.accounts import credential_store as store
from cognitude_plugins.gateway.accounts.credential import Credential
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.storage.database import Storage

OLD, NEW = SecretKey.of("old-" * 10), SecretKey.of("new-" * 10)
CANARY = "sk-canary-7e1f9b2d4c"


def credential(organization: str = "acme", provider: str = "openai", **fields: Any) -> Credential:
    return Credential(**{"organization": organization, "provider": provider, "api_key": CANARY, **fields})


def put(storage: Storage, one: Credential, *, key: SecretKey = NEW, enabled: bool = True, now_ms: int = 1) -> bool:
    secrets = SecretKeys([key])
    return storage.write_now(lambda sql: store.put(sql, secrets, one, enabled=enabled, now_ms=now_ms))[1]


def remove(storage: Storage, organization: str = "acme", provider: str = "openai") -> bool:
    return storage.write_now(lambda sql: store.remove(sql, organization, provider, now_ms=9))


def changes(storage: Storage, since: int, *keys: SecretKey) -> store.Changes | None:
    secrets = SecretKeys(keys or [NEW])
    return storage.read_now(lambda sql: store.changes(sql, since, secrets))


def found(storage: Storage, *keys: SecretKey) -> dict[tuple[str, str], Credential | None]:
    all_of_them = changes(storage, -1, *keys)
    assert all_of_them is not None
    return {(organization, provider): one for organization, provider, one in all_of_them.found}


def listed(storage: Storage, organization: str = "acme") -> list[store.Stored]:
    return storage.read_now(lambda sql: store.listed(sql, organization))


def test_a_credential_is_created_replaced_listed_and_deleted(each_database: Storage) -> None:
    assert put(each_database, credential(), now_ms=1)
    assert not put(each_database, credential(base_url="https://a.b"), enabled=False, now_ms=2)
    assert put(each_database, credential(provider="anthropic"), now_ms=3)
    first = store.Stored(provider="anthropic", enabled=True, base_url=None, created_ms=3, updated_ms=3)
    second = store.Stored(provider="openai", enabled=False, base_url="https://a.b", created_ms=1, updated_ms=2)
    assert listed(each_database) == [first, second]
    assert remove(each_database)
    assert not remove(each_database), "it is gone"
    assert listed(each_database) == [first]
    assert put(each_database, credential(), now_ms=5), "and may come again"
    assert listed(each_database)[1].created_ms == 5


def test_another_organizations_credential_is_not_touched(each_database: Storage) -> None:
    put(each_database, credential("acme"))
    put(each_database, credential("other", api_key="sk-other"))
    assert not remove(each_database, "third")
    assert remove(each_database, "other")
    assert listed(each_database, "other") == []
    assert found(each_database)["acme", "openai"] == credential("acme")


def test_only_what_has_changed_is_read_again(each_database: Storage) -> None:
    put(each_database, credential("a"))
    put(each_database, credential("b"))
    first = changes(each_database, -1)
    assert first is not None
    assert first.complete
    assert changes(each_database, first.revision) is None
    remove(each_database, "a")
    put(each_database, credential("c"), enabled=False)
    second = changes(each_database, first.revision)
    assert second is not None
    assert sorted(second.found) == [("a", "openai", None), ("c", "openai", None)]
    assert not second.complete
    assert changes(each_database, second.revision) is None


def test_a_database_put_back_to_an_earlier_state_is_read_anew(each_database: Storage) -> None:
    put(each_database, credential())
    again = changes(each_database, 1000)
    assert again is not None
    assert again.complete
    assert again.found == [("acme", "openai", credential())]


def dump(storage: Storage) -> bytes:
    """Everything that is in the database, as text and as bytes."""
    tables = storage.read_now(lambda sql: [str(row) for row in sql.execute(text("SELECT * FROM provider_credential"))])
    rows = storage.read_now(lambda sql: sql.execute(text("SELECT sealed FROM provider_credential")).scalars().all())
    return b"\n".join([*(row.encode() for row in tables), *(bytes(sealed) for sealed in rows)])


def test_the_database_gives_no_usable_key(each_database: Storage) -> None:
    put(each_database, credential())
    assert found(each_database)["acme", "openai"] == credential()
    assert CANARY.encode() not in dump(each_database)
    if each_database.dialect == "sqlite":
        each_database.write_now(lambda sql: sql.execute(text("SELECT 1")))
        path = each_database.engine.url.database
        assert path is not None
        for suffix in ("", "-wal"):
            with open(path + suffix, "rb") as file:
                assert CANARY.encode() not in file.read()


def test_a_deleted_credential_leaves_nothing_of_its_key(each_database: Storage) -> None:
    put(each_database, credential(base_url="https://a.b"))
    remove(each_database)
    row = each_database.read_now(lambda sql: sql.execute(text("SELECT * FROM provider_credential")).one())
    assert (bytes(row.sealed), row.secret_key, row.base_url) == (b"", "", None)


def test_without_the_secret_key_nothing_opens_and_nobody_is_taken_for_having_none(
    each_database: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    put(each_database, credential(), key=OLD)
    with caplog.at_level(logging.WARNING):
        assert found(each_database, NEW) == {("acme", "openai"): credential(api_key=None)}
    assert OLD.id in caplog.text
    assert "acme" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("column", "value"), [("organization", "evil"), ("provider", "groq"), ("base_url", "https://evil.example")]
)
def test_who_can_write_into_the_database_cannot_have_the_key_sent_to_himself(
    each_database: Storage, column: str, value: str
) -> None:
    put(each_database, credential())
    change = text(f"UPDATE provider_credential SET {column} = :value")
    each_database.write_now(lambda sql: sql.execute(change, {"value": value}))
    [one] = found(each_database).values()
    assert one is not None
    assert one.api_key is None


def test_the_key_is_in_no_statement_and_in_no_parameter(
    each_database: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append(f"{statement} {parameters!r}")

    event.listen(each_database.engine, "before_cursor_execute", note)
    with caplog.at_level(logging.DEBUG):
        put(each_database, credential())
        put(each_database, credential())
        found(each_database)
        remove(each_database)
    assert any("provider_credential" in one for one in seen)
    assert CANARY not in "".join(seen)
    assert CANARY not in caplog.text


def test_everything_is_sealed_anew_under_the_current_key(each_database: Storage) -> None:
    put(each_database, credential("a", api_key="sk-a"), key=OLD)
    put(each_database, credential("b", api_key="sk-b", base_url="https://b.c"), key=OLD, enabled=False)
    put(each_database, credential("c", api_key="sk-c"), key=NEW)
    put(each_database, credential("d"), key=OLD)
    remove(each_database, "d")
    before = changes(each_database, -1, NEW, OLD)
    assert before is not None
    both = SecretKeys([NEW, OLD])
    assert each_database.write_now(lambda sql: store.reseal(sql, both)) == (2, 0)
    assert each_database.write_now(lambda sql: store.reseal(sql, both)) == (0, 0)
    assert found(each_database, NEW)["a", "openai"] == credential("a", api_key="sk-a")
    put(each_database, credential("b", api_key="sk-b", base_url="https://b.c"), enabled=True)
    assert found(each_database, NEW)["b", "openai"] == credential("b", api_key="sk-b", base_url="https://b.c")
    later = changes(each_database, before.revision, NEW)
    assert later is not None
    assert {organization for organization, _, _ in later.found} == {"a", "b"}, "other processes read them again"


def test_a_disabled_credential_is_sealed_anew_as_well(each_database: Storage) -> None:
    put(each_database, credential(), key=OLD, enabled=False)
    each_database.write_now(lambda sql: store.reseal(sql, SecretKeys([NEW, OLD])))
    each_database.write_now(lambda sql: sql.execute(text("UPDATE provider_credential SET enabled = true")))
    assert found(each_database, NEW)["acme", "openai"] == credential()


def test_what_cannot_be_opened_is_left_as_it_is_and_counted(each_database: Storage) -> None:
    put(each_database, credential("a"), key=OLD)
    put(each_database, credential("b"), key=SecretKey.of("third-" * 8))
    assert each_database.write_now(lambda sql: store.reseal(sql, SecretKeys([NEW, OLD]))) == (1, 1)
    assert found(each_database, SecretKey.of("third-" * 8))["b", "openai"] == credential("b")
