"""What the endpoint of summaries takes and answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hooks import Message

from .due import Kind

_FIRST: Final = date(1971, 1, 1)
_LAST: Final = date(9998, 1, 1)


class NewSummary(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(default="daily", description="Of one day, or of seven.")
    last: Annotated[date, Field(ge=_FIRST, le=_LAST)] | None = Field(
        default=None, description="The last day of it; without, yesterday."
    )
    channel: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Name of the channel to send it to; without, it is shown only."
    )


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartBody(BaseModel):
    heading: str
    columns: list[str]
    rows: list[list[str]]
    text: str


class SummaryShown(BaseModel):
    object: Literal["alert_summary"] = "alert_summary"
    organization: str = Field(description="* is all of them together.")
    title: str
    text: str
    parts: list[PartBody]
    data: dict[str, Any]
    channel: str | None = Field(description="To which it is on its way.")


def told(message: Message, channel: str | None) -> SummaryShown:
    return SummaryShown(
        organization=message.organization,
        title=message.title,
        text=message.text,
        parts=[
            PartBody(
                heading=one.heading,
                columns=list(one.columns),
                rows=[list(row) for row in one.rows],
                text=one.text,
            )
            for one in message.parts
        ],
        data=dict(message.data),
        channel=channel,
    )
