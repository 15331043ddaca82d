"""The settings of the core: what may stand in plugins.yaml, as pydantic models. Every field says what it means."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from .care_settings import BreakerSettings, RetrySettings
from .fields import (
    STRICT,
    ApiKey,
    Count,
    HeaderName,
    Identifier,
    KeySecret,
    MasterSecret,
    ProxyUrl,
    Seconds,
    default_name,
)
from .redis_url import RedisRole, RedisUrl
from .service_settings import Database, Ledger, OnDisconnect, Outbound, Redis


def _without_default(schema: dict[str, Any]) -> None:
    """The default depends on another field."""
    schema.pop("default", None)


class Listen(BaseModel):
    """Where the gateway listens."""

    model_config = STRICT

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for every interface."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port; 0 for any that is free.")


class Key(BaseModel):
    """A client key declared by the operator."""

    model_config = STRICT

    id: Identifier = Field(description="The key's public name, as it appears in logs and the ledger; unique.")
    secret: KeySecret = Field(description="What clients send as their API key; at least 16 characters.")
    organization: Identifier | None = Field(
        default=None, description="The organization every call with this key belongs to; null for a gateway-admin key."
    )
    role: Literal["admin", "member", "viewer"] = Field(
        default="member",
        description="Within its organization: administer it, make calls and read, or read only.",
    )
    models: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Models the key may use, * standing for anything; null for all."
    )
    admin: bool = Field(
        default=False, description="A gateway-admin key: it administers every organization and makes no calls."
    )


class Limits(BaseModel):
    """The largest request that is looked at."""

    model_config = STRICT

    body_bytes: Count = Field(default=10_485_760, description="Size of a request body, in bytes; above it 413.")
    header_bytes: Count = Field(
        default=32_768, description="Size of all request headers together, in bytes; above it 431."
    )
    json_depth: Count = Field(default=64, le=512, description="Nesting of the request's JSON.")
    messages: Count = Field(default=4096, description="Messages in one chat request.")
    n: Count = Field(default=8, description="Choices that one request may ask for.")
    in_flight: Count = Field(default=1000, description="Calls served at the same time by one process; above it 503.")


class GatewayTimeouts(BaseModel):
    """How long the gateway waits, in seconds."""

    model_config = STRICT

    connect: Seconds = Field(default=5.0, description="For a connection to a provider.")
    first_token: Seconds = Field(
        default=60.0, description="For the first event of a provider's stream; a whole answer may take the total."
    )
    between_chunks: Seconds = Field(default=60.0, description="For the next piece of a provider's answer.")
    total: Seconds = Field(default=600.0, description="For one call with all its attempts.")
    request_body: Seconds = Field(default=30.0, description="For the client to send its request.")
    client_write: Seconds = Field(default=60.0, description="For the client to take the next piece of its answer.")


class Drain(BaseModel):
    """What happens on SIGTERM, in seconds."""

    model_config = STRICT

    announce_seconds: float = Field(
        default=2.0, ge=0, description="How long /readyz says 503 before connections are refused."
    )
    finish_seconds: float = Field(default=30.0, ge=0, description="How long calls in flight may go on after that.")


class Middleware(BaseModel):
    """How authentication works when the gateway stands in front of another app in the same process."""

    model_config = STRICT

    auth: Literal["inner", "gateway"] = Field(
        default="inner",
        description="Who checks the client's key: the app behind (its header is passed on) or the gateway.",
    )
    inner_key: ApiKey | None = Field(
        default=None, description="With auth: gateway, the key sent to the app behind instead of the client's."
    )


class Gateway(BaseModel):
    """The gateway itself."""

    model_config = STRICT

    listen: Listen = Field(default=Listen(), description="Where the gateway listens.")
    server_timing: bool = Field(default=False, description="Put a Server-Timing header on every answer.")
    server_timing_header: HeaderName | None = Field(
        default=None, description="A request header with which a client may ask for Server-Timing on its answer."
    )
    data_dir: str = Field(
        default=".cognitude",
        min_length=1,
        description="Folder for the gateway's files, relative to the configuration file.",
    )
    keys: tuple[Key, ...] = Field(default=(), description="Client keys declared here.")
    limits: Limits = Field(default=Limits(), description="The largest request that is looked at.")
    timeouts: GatewayTimeouts = Field(default=GatewayTimeouts(), description="How long the gateway waits.")
    retries: RetrySettings = Field(
        default=RetrySettings(), description="When a deployment that failed is tried again in the same call."
    )
    breaker: BreakerSettings = Field(
        default=BreakerSettings(), description="When a deployment that fails is left alone, and for how long."
    )
    drain: Drain = Field(default=Drain(), description="What happens on SIGTERM.")
    middleware: Middleware = Field(
        default=Middleware(), description="Authentication in front of another app in the same process."
    )
    proxy: ProxyUrl | None = Field(
        default=None, description="URL of an HTTP proxy for calls to providers; kept secret, as it may hold a password."
    )
    secret_keys: tuple[MasterSecret, ...] = Field(
        default=(),
        description="Secrets of at least 32 characters under which keys are hashed and providers' keys encrypted: the "
        "first for what is new, the others for what is old. By default one is made in data_dir.",
    )
    ledger: Ledger = Field(default=Ledger(), description="The book of every call.")
    on_disconnect: OnDisconnect = Field(
        default=OnDisconnect(), description="What becomes of a provider's answer whose reader has left."
    )
    outbound: Outbound = Field(default=Outbound(), description="Where URLs that come from an organization may lead to.")
    require_price: bool = Field(default=False, description="Refuse calls to models whose price is not known.")


class Services(BaseModel):
    """What the gateway may lean on outside its own process."""

    model_config = STRICT

    database: Database = Field(default=Database(), description="The SQL database of accounts and ledger.")
    redis: Redis = Field(default=Redis(), description="What workers and machines count and remember together.")
    cache: Redis | None = Field(
        default=None,
        description="A Redis that may forget, for answers that are kept; as services.redis. Without it that one, and "
        "where that is embedded another one beside it, of 256 MiB.",
    )

    def redis_url(self, role: RedisRole) -> RedisUrl:
        return (self.redis if role == "redis" or self.cache is None else self.cache).parsed


class Step(BaseModel):
    """One plugin in the pipeline."""

    model_config = STRICT

    use: str = Field(
        min_length=1,
        description="The plugin: an installed plugin's name, package.module:Class, package.module, ./file.py or "
        "./file.py:Class (relative to this file).",
    )
    name: Identifier = Field(
        default="",
        json_schema_extra=_without_default,
        description="The entry's own name, unique; by default the last part of use.",
    )
    mode: Literal["enforce", "shadow", "off"] = Field(
        default="enforce",
        description="shadow runs the plugin and records its decision without applying it; off leaves it out.",
    )
    on_error: Literal["skip", "reject"] | None = Field(
        default=None,
        description="What becomes of a call when the plugin fails; null: the plugin's own default, else skip.",
    )
    timeout: Seconds | None = Field(default=None, description="Seconds one hook may take; null for no limit.")
    config: dict[str, Any] | None = Field(default=None, repr=False, description="The plugin's own settings.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        if isinstance(data, dict) and "name" not in data and isinstance(data.get("use"), str):
            return {**data, "name": default_name(data["use"])}
        return data
