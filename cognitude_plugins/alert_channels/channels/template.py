"""A channel for what takes JSON over HTTP in a form of its own: the body is written as a template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from hooks import Message, Outbound, Receipt, Unreachable

from . import placeholders
from .addresses import SecretHeaders, SecretUrl, check_url, revealed
from .receipts import receipt, unreached

_SECONDS: Final = 20.0
_FINAL: Final = (400, 401, 403, 404, 405, 413, 415, 422)

SecretName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
SecretText = Annotated[SecretStr, Field(min_length=1, max_length=4096)]


class Template:
    goes_to: ClassVar = ("url",)
    along: ClassVar = ("headers", "secrets")

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        url: SecretUrl = Field(description="Where it is posted.")
        headers: SecretHeaders = Field(default={}, description="Headers that are sent too.")
        secrets: Mapping[SecretName, SecretText] = Field(
            default={}, max_length=16, description="What stands in the body as {secret.NAME}."
        )
        body: dict[str, Any] = Field(
            description="The JSON to be posted, with {title}, {summary}, {text}, {severity}, {kind}, {action}, "
            "{about}, {id}, {at}, {organization}, {headline}, {facts} and {data} to be filled in."
        )

        @model_validator(mode="after")
        def _known(self) -> Template.Config:
            placeholders.check(self.body, self.secrets)
            found = placeholders.places(self.body)
            if found > placeholders.MOST_PLACES:
                raise ValueError(f"body: has {found} places, and {placeholders.MOST_PLACES} are the most")
            return self

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self, outbound: Outbound) -> None:
        check_url(outbound, self._config.url)

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        config = self._config
        secrets = {f"{placeholders.SECRET}{name}": one.get_secret_value() for name, one in config.secrets.items()}
        content = placeholders.filled(config.body, {**placeholders.values(message), **secrets})
        headers = {"content-type": "application/json", **revealed(config.headers)}
        try:
            answer = await outbound.post(
                config.url.get_secret_value(), orjson.dumps(content, default=str), headers=headers, timeout=_SECONDS
            )
        except Unreachable as error:
            return unreached(error)
        return receipt(answer, now=now, final=_FINAL)
