"""What an operator writes of how messages are sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Delivery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_seconds: float = Field(
        default=30,
        ge=1,
        le=60,
        description="How long one attempt may take. After three times as long, what a worker has begun to send and not "
        "written down (it has died) is sent by another one, under the same id.",
    )
    retention_days: int = Field(
        default=30, ge=1, le=3650, description="How long it is kept what was sent, with its attempts."
    )
