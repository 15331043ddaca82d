"""A webhook: JSON that is signed as Standard Webhooks has it, for a receiver that verifies who sent it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from hooks import Message, Outbound, Receipt, Unreachable

from . import signature
from .addresses import SecretHeaders, SecretUrl, check_url, revealed
from .receipts import receipt, unreached

_SECONDS: Final = 20.0
_MOST_PREVIOUS: Final = 3


def _key(secret: SecretStr) -> SecretStr:
    signature.key(secret.get_secret_value())
    return secret


Secret = Annotated[SecretStr, AfterValidator(_key)]


class Previous(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Secret = Field(description="A secret that was replaced.")
    until: AwareDatetime = Field(description="Until when messages are signed with it too.")


class Webhook:
    goes_to: ClassVar = ("url",)
    along: ClassVar = ("headers",)

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        url: SecretUrl = Field(description="Where messages are posted.")
        secret: Secret = Field(description="What they are signed with: whsec_ and 24 to 64 bytes in base64.")
        previous: tuple[Previous, ...] = Field(
            default=(), max_length=_MOST_PREVIOUS, description="Secrets that receivers may still verify with."
        )
        headers: SecretHeaders = Field(default={}, description="Headers that are sent too.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self, outbound: Outbound) -> None:
        check_url(outbound, self._config.url)

    @classmethod
    def fresh(cls) -> Mapping[str, Any]:
        return {"secret": signature.new_secret()}

    @classmethod
    def rotated(cls, settings: Mapping[str, Any], until: datetime) -> Mapping[str, Any]:
        """The newest first; the oldest of too many is forgotten."""
        before = [{"secret": settings["secret"], "until": until}, *settings.get("previous", ())]
        return {**settings, **cls.fresh(), "previous": before[:_MOST_PREVIOUS]}

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        content = body(message)
        headers = {
            "content-type": "application/json",
            **revealed(self._config.headers),
            **signature.headers(message.id, int(now.timestamp()), content, self._secrets(now)),
        }
        url = self._config.url.get_secret_value()
        try:
            answer = await outbound.post(url, content, headers=headers, timeout=_SECONDS)
        except Unreachable as error:
            return unreached(error)
        return receipt(answer, now=now)

    def _secrets(self, now: datetime) -> Iterator[str]:
        yield self._config.secret.get_secret_value()
        yield from (one.secret.get_secret_value() for one in self._config.previous if one.until > now)


def body(message: Message) -> bytes:
    """The same each time, so that the receiver can tell it by its content too."""
    kind = message.kind if message.kind in ("summary", "test") else f"alert.{message.kind}"
    data = {
        "id": message.about,
        "organization": message.organization,
        "severity": message.severity,
        "title": message.title,
        "text": message.text,
        "facts": [{"name": name, "value": value} for name, value in message.facts],
        "parts": [
            {"heading": one.heading, "columns": one.columns, "rows": one.rows, "text": one.text}
            for one in message.parts
        ],
        "data": dict(message.data),
    }
    return orjson.dumps({"type": kind, "timestamp": message.at.isoformat(), "data": data}, default=str)
