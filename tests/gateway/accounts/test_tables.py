"""The tables are what the migration makes, and hold nothing with which somebody could come in."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import inspect

from cognitude_plugins.gateway.accounts import tables
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey
from cognitude_plugins.gateway.accounts.tokens import digest
from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.accounts.office import SECRETS, Office

TABLES = (
    tables.Organization,
    tables.UserAccount,
    tables.ApiKey,
    tables.AccountRevision,
    tables.ProviderCredential,
)


def test_the_migration_makes_these_tables(each_database: Storage) -> None:
    inspector = inspect(each_database.engine)
    for model in TABLES:
        table = model.__table__
        there = {column["name"]: column for column in inspector.get_columns(table.name)}
        assert there.keys() == {column.name for column in table.columns}
        for column in table.columns:
            assert there[column.name]["nullable"] == column.nullable, f"{table.name}.{column.name}"
            dialect = each_database.engine.dialect
            assert str(there[column.name]["type"]) == column.type.compile(dialect), f"{table.name}.{column.name}"
        assert inspector.get_pk_constraint(table.name)["constrained_columns"] == ["id"]
        assert {one["name"] for one in inspector.get_indexes(table.name)} >= {one.name for one in table.indexes}


def test_the_database_gives_no_usable_key(office: Office) -> None:
    """S14: neither a key nor its secret part is in it, in no encoding; no digest can be checked without the pepper."""
    office.organization()
    made = [office.key(label=f"key {number}") for number in range(20)] + [office.key(None)]
    rotated = [office.rotate(token, 3600) for token in made[:5]]
    dump = office.dump()
    files = b""
    if office.storage.dialect == "sqlite":
        path = office.storage.engine.url.database
        assert path is not None
        files = Path(path).read_bytes() + Path(f"{path}-wal").read_bytes()
    for token in [*made, *rotated]:
        secret = token[21:64]
        for form in (token, secret, secret[:12], secret.encode().hex(), token.encode().hex()):
            assert form.encode() not in dump
            assert form.encode() not in files
    assert SECRETS.current.pepper not in dump
    _no_digest_verifies_without_the_pepper(office, [*made, *rotated])


def _no_digest_verifies_without_the_pepper(office: Office, tokens: list[str]) -> None:
    import hashlib

    table = tables.ApiKey.__table__
    with office.storage.engine.connect() as connection:
        rows = connection.execute(table.select()).all()
    stored = {bytes(one) for row in rows for one in (row.digest, row.previous_digest) if one is not None}
    assert {digest(SECRETS.current.pepper, token.encode()) for token in tokens} == stored, "all of them, and no other"
    other = SecretKey.of("another secret key, of another installation")
    for token in tokens:
        assert digest(other.pepper, token.encode()) not in stored
        assert digest(b"", token.encode()) not in stored
        assert hashlib.sha256(token.encode()).digest() not in stored
        assert not re.search(rb"cog_[0-9A-Za-z]{16}_", office.dump())
