"""Settings of what is kept: the database, the ledger, and what becomes of a call whose client has left."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from .fields import STRICT, Count, HeaderName, Seconds, Usd
from .redis_url import RedisUrl, parse_redis


def _database_url(url: SecretStr) -> SecretStr:
    scheme, colon, _ = url.get_secret_value().partition("://")
    if not colon or scheme not in ("postgresql", "postgres", "sqlite"):
        raise ValueError("must be a postgresql:// or sqlite:/// URL")
    return url


def _redis(value: SecretStr) -> SecretStr:
    parse_redis(value.get_secret_value())
    return value


RedisSetting = Annotated[SecretStr, AfterValidator(_redis)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Days = Annotated[int, Field(ge=1)]


class Database(BaseModel):
    """The SQL database of accounts and ledger."""

    model_config = STRICT

    url: DatabaseUrl | None = Field(
        default=None,
        description="postgresql://user:password@host/name, or sqlite:///file relative to this file; null for "
        "cognitude.db in gateway.data_dir. Several machines need PostgreSQL.",
    )
    pool: Count = Field(default=8, le=256, description="Connections of one process at most.")
    timeout: Seconds = Field(default=2.0, description="Seconds one question of a request may take.")

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, data: Any) -> Any:
        return {"url": data} if isinstance(data, str) else data


class Redis(BaseModel):
    """What workers and machines count and remember together. Its address alone may stand in its place."""

    model_config = STRICT

    url: RedisSetting = Field(
        default=SecretStr("memory"),
        json_schema_extra={"default": "memory"},
        description="memory (each process by itself), embedded (a Redis of the gateway's own, for the workers of one "
        "machine), redis://:password@host:6379/0, rediss:// (with TLS), unix:///path, "
        "redis+sentinel://host,host/service or redis+cluster://host,host.",
    )

    @property
    def parsed(self) -> RedisUrl:
        return parse_redis(self.url.get_secret_value())

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, data: Any) -> Any:
        return {"url": data} if isinstance(data, str) else data


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8") from None


Network = Annotated[str, AfterValidator(_network)]


class Outbound(BaseModel):
    """Where the gateway may connect to when a URL comes from an organization, not from this file."""

    model_config = STRICT

    allow: tuple[Network, ...] = Field(
        default=(), description="Private networks that are allowed besides public addresses, as in 10.0.0.0/8."
    )
    allow_http: bool = Field(default=False, description="Whether http:// is allowed besides https://.")


class Retention(BaseModel):
    """How many days the ledger keeps."""

    model_config = STRICT

    rows: Days = Field(default=7, description="Days that single calls are kept, and sums per minute by key and tag.")
    minutes: Days = Field(default=30, description="Days that sums per minute are kept.")
    hours: Days = Field(
        default=90, description="Days that sums per hour are kept, and per quarter of an hour by key, user and tag."
    )
    days: Days = Field(default=365, description="Days that sums per day are kept.")

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Retention:
        if not self.rows <= self.minutes <= self.hours <= self.days:
            raise ValueError(
                "must not fall from rows over minutes and hours to days: "
                f"{self.rows}, {self.minutes}, {self.hours}, {self.days}"
            )
        return self


class Ledger(BaseModel):
    """The book of every call."""

    model_config = STRICT

    durability: Literal["process", "disk"] = Field(
        default="process",
        description="What a row must survive before the last byte of its answer leaves: the end of the process, or "
        "that of the machine (waits for the disk).",
    )
    journal_bytes: int = Field(
        default=1_073_741_824,
        ge=1_048_576,
        description="Bytes of rows that may wait in data_dir for the database.",
    )
    on_full: Literal["drop_oldest", "reject"] = Field(
        default="drop_oldest",
        description="When the journal or the disk is full: lose the oldest waiting rows, or answer calls with 503.",
    )
    tags_header: HeaderName = Field(
        default="x-cognitude-tags",
        description="Request header with tags for the call's row: name=value, separated by commas.",
    )
    retention: Retention = Field(default=Retention(), description="How many days the ledger keeps.")


class OnDisconnect(BaseModel):
    """What becomes of a provider's answer whose reader has left."""

    model_config = STRICT

    policy: Literal["cancel", "drain"] = Field(
        default="cancel",
        description="cancel closes the provider's connection at once; drain reads the answer to its end.",
    )
    seconds: Seconds = Field(default=30.0, description="With drain, for how long at most.")
    usd: Usd = Field(
        default=Decimal("0.05"),
        json_schema_extra={"default": 0.05},
        description="With drain, for how much at most, after the client has left (of calls whose price is known).",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_policy(cls, data: Any) -> Any:
        return {"policy": data} if isinstance(data, str) else data
