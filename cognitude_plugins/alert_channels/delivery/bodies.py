"""What the endpoints of deliveries take and answer."""

from __future__ import annotations

from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from hooks import Receipt

from ..channels.bodies import moment
from .history import Attempt, Delivery

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class DeliveriesQuery(BaseModel):
    model_config = _STRICT

    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    after: str = Field(
        default="",
        max_length=64,
        pattern=r"^[A-Za-z0-9_]*$",
        description="Go on after this one: `next` of the page before.",
    )


class AttemptBody(BaseModel):
    at: str
    took_ms: int
    delivered: bool
    status: int | None = Field(description="The receiver's own number, as an HTTP status.")
    detail: str


class DeliveryBody(BaseModel):
    object: Literal["alert_delivery"] = "alert_delivery"
    id: str = Field(description="The message's id, by which its receiver knows it too (webhook-id).")
    organization: str
    channel: str
    alert: str | None
    kind: str
    title: str
    state: str = Field(description="waiting, sent, failed (given up) or dropped (not to be sent any more).")
    due_at: str | None = Field(description="When it is tried next.")
    created_at: str
    ended_at: str | None
    attempts: list[AttemptBody] = Field(description="The oldest first.")


class DeliveryList(BaseModel):
    object: Literal["list"] = "list"
    data: list[DeliveryBody] = Field(description="The newest first.")
    next: str | None = Field(description="What `after` is for the next page; null where there is none.")


class TestReceipt(BaseModel):
    object: Literal["alert_test"] = "alert_test"
    id: str
    channel: str
    delivered: bool
    status: int | None = Field(description="The receiver's own number, as an HTTP status.")
    detail: str


def shown(one: Delivery) -> DeliveryBody:
    packed: dict[str, Any] = orjson.loads(one.message)
    return DeliveryBody(
        id=one.id,
        organization=one.organization,
        channel=one.channel,
        alert=one.alert,
        kind=one.kind,
        title=packed["title"],
        state=one.state,
        due_at=moment(one.due_ms) if one.state == "waiting" else None,
        created_at=moment(one.created_ms),
        ended_at=None if one.ended_ms is None else moment(one.ended_ms),
        attempts=[_attempt(attempt) for attempt in one.attempts],
    )


def receipt(id: str, channel: str, found: Receipt) -> TestReceipt:
    return TestReceipt(id=id, channel=channel, delivered=found.delivered, status=found.status, detail=found.detail)


def _attempt(one: Attempt) -> AttemptBody:
    return AttemptBody(
        at=moment(one.at_ms),
        took_ms=one.took_ms,
        delivered=one.delivered,
        status=one.status,
        detail=one.detail,
    )
