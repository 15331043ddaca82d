"""Carries alerts as one line of plain text."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hooks import Message, Outbound, Receipt, Unreachable


class Pigeon:
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        url: str = Field(description="Where it flies to.")
        ring: SecretStr = Field(description="What it is known by.")

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self, outbound: Outbound) -> None:
        try:
            outbound.url(self._config.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from None

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        ring = self._config.ring.get_secret_value()
        line = f"{message.severity}: {message.title}"
        try:
            answer = await outbound.post(self._config.url, line.encode(), headers={"x-ring": ring, "x-id": message.id})
        except Unreachable as error:
            return Receipt(delivered=False, detail=str(error))
        if answer.status == 418:
            raise RuntimeError(f"the pigeon with the ring {ring} has lost its way")
        # A careless author: the gateway keeps it out of what it shows and stores.
        return Receipt(delivered=answer.status == 200, detail=f"{answer.status} for {ring}", status=answer.status)
