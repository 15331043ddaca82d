"""PagerDuty: a template in the form of its Events API, version 2."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hooks import Message, Outbound, Receipt

from .template import Template

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events
_BODY: Final[dict[str, Any]] = {
    "routing_key": "{secret.routing_key}",
    "event_action": "{action}",
    "dedup_key": "{about}",
    "payload": {
        "summary": "{summary}",
        "source": "{organization}",
        "severity": "{severity}",
        "timestamp": "{at}",
        "component": "cognitude",
        "class": "{kind}",
        "custom_details": {"facts": "{facts}", "data": "{data}"},
    },
}

RoutingKey = Annotated[SecretStr, Field(min_length=1, max_length=256)]


class PagerDuty:
    """Its severities are named as ours; it takes a resolve of what it does not know."""

    goes_to: ClassVar = ("url",)
    along: ClassVar = ("routing_key",)

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        routing_key: RoutingKey = Field(description="The integration key of an Events API V2 integration.")
        url: str = Field(
            default="https://events.pagerduty.com/v2/enqueue",
            max_length=2048,
            description="Of another region or a service that speaks the same: https://events.eu.pagerduty.com/v2/enqueue.",
        )

    def __init__(self, config: Config) -> None:
        self._template = Template(
            Template.Config(url=SecretStr(config.url), secrets={"routing_key": config.routing_key}, body=_BODY)
        )

    def check(self, outbound: Outbound) -> None:
        self._template.check(outbound)

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        return await self._template.send(message, outbound, now=now)
