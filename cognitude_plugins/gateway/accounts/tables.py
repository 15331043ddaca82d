"""The tables of accounts, as ``storage/versions/0001_accounts.py`` makes them.

Times are milliseconds since 1970. ``revision`` is the value that `AccountRevision` had in the transaction that wrote
the row last: a reader who asks for the rows above the value it saw misses nothing.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class Organization(SQLModel, table=True):
    """Who pays. ``status`` is active or disabled; one that has been used is never deleted."""

    __tablename__ = "organization"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    time_zone: str = Field(default="UTC", sa_column=Column(Text, nullable=False, server_default="UTC"))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class UserAccount(SQLModel, table=True):
    """A person or a program of an organization; the ledger knows it by its name."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("organization", "name"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class ApiKey(SQLModel, table=True):
    """A client's key without its secret: only the digest is kept, made with the pepper of that name.

    ``organization`` is null for gateway-admin keys. ``labels`` is a JSON object of strings, ``models`` a JSON array of
    names and patterns, or null for all. ``previous_digest`` counts as well until ``previous_until_ms``.
    """

    __tablename__ = "api_key"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str | None = Field(sa_column=Column(Text, nullable=True, index=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    user_id: str | None = Field(default=None, sa_column=Column(Text, nullable=True, index=True))
    label: str = Field(default="", sa_column=Column(Text, nullable=False))
    labels: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    models: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    pepper: str = Field(sa_column=Column(Text, nullable=False))
    previous_digest: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    previous_pepper: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    previous_until_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    revoked_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    last_used_ms: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class AccountRevision(SQLModel, table=True):
    """One row: how many transactions have changed accounts so far. Taking the next number also queues the writers."""

    __tablename__ = "account_revision"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))


class ProviderCredential(SQLModel, table=True):
    """An organization's own key for a provider, sealed under the secret key of that name."""

    __tablename__ = "provider_credential"
    __table_args__ = (UniqueConstraint("organization", "provider"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    organization: str = Field(sa_column=Column(Text, nullable=False))
    provider: str = Field(sa_column=Column(Text, nullable=False))
    base_url: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    secret_key: str = Field(sa_column=Column(Text, nullable=False))
    enabled: bool = Field(nullable=False)
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class SecretKeyId(SQLModel, table=True):
    """The fingerprint of a secret key under which something in this database has been made."""

    __tablename__ = "secret_key"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    first_seen_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
