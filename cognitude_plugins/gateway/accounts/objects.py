"""Organizations, users and keys as the API and the command line show them, and lists of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field

from hooks import Role

from .records import Key, Organization, User
from .times import moment


class OrganizationBody(BaseModel):
    object: Literal["organization"] = "organization"
    id: str
    name: str
    status: Literal["active", "disabled"]
    time_zone: str
    created_at: str


class UserBody(BaseModel):
    object: Literal["user"] = "user"
    id: str
    organization: str
    name: str
    role: Role
    status: Literal["active", "disabled"]
    created_at: str


class KeyBody(BaseModel):
    """A key without its secret."""

    object: Literal["key"] = "key"
    id: str = Field(description="Public; the ledger has it.")
    kind: Literal["organization", "gateway_admin"]
    organization: str | None = Field(description="null for a gateway-admin key.")
    role: Role
    user: str | None
    label: str
    labels: dict[str, str]
    models: list[str] | None
    status: Literal["active", "revoked", "expired"]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None = Field(description="To the minute.")
    previous_secret_until: str | None = Field(description="After a rotation, until when the secret before it works.")


class SecretKeyBody(KeyBody):
    """A key with its secret, which is told once."""

    secret: str = Field(description="What clients send. It cannot be asked for again.")


class OrganizationList(BaseModel):
    object: Literal["list"] = "list"
    data: list[OrganizationBody]
    has_more: bool
    next: str | None = Field(description="What to send as `after` for the next page.")


class UserList(BaseModel):
    object: Literal["list"] = "list"
    data: list[UserBody]
    has_more: bool
    next: str | None = Field(description="What to send as `after` for the next page.")


class KeyList(BaseModel):
    object: Literal["list"] = "list"
    data: list[KeyBody]
    has_more: bool
    next: str | None = Field(description="What to send as `after` for the next page.")


def organization_body(one: Organization) -> dict[str, Any]:
    return {
        "object": "organization",
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "time_zone": one.time_zone,
        "created_at": moment(one.created_ms),
    }


def user_body(one: User) -> dict[str, Any]:
    return {
        "object": "user",
        "id": one.id,
        "organization": one.organization,
        "name": one.name,
        "role": one.role,
        "status": one.status,
        "created_at": moment(one.created_ms),
    }


def key_body(one: Key, now_ms: int, token: bytes | None = None) -> dict[str, Any]:
    """With ``token`` only where the key has just been made or rotated."""
    overlapping = one.previous_until_ms is not None and one.previous_until_ms > now_ms
    body = {
        "object": "key",
        "id": one.id,
        "kind": one.kind,
        "organization": one.organization,
        "role": one.role,
        "user": one.user,
        "label": one.label,
        "labels": dict(one.labels),
        "models": None if one.models is None else list(one.models),
        "status": one.status(now_ms),
        "created_at": moment(one.created_ms),
        "expires_at": moment(one.expires_ms),
        "revoked_at": moment(one.revoked_ms),
        "last_used_at": moment(one.last_used_ms),
        "previous_secret_until": moment(one.previous_until_ms) if overlapping else None,
    }
    return body if token is None else {**body, "secret": token.decode("ascii")}


def list_body(objects: Iterable[dict[str, Any]], more: bool) -> dict[str, Any]:
    data = list(objects)
    return {"object": "list", "data": data, "has_more": more, "next": data[-1]["id"] if more else None}
