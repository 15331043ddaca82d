"""A Cognitude plugin that makes models shout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from hooks import Call, Reply, hookimpl, operation


class Shout:
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        marks: int = Field(default=1, ge=0, description="Exclamation marks put after what is asked.")
        most: int = Field(default=10, ge=0, description="The most that a client may choose by x-shout-marks.")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shouted = 0

    @hookimpl
    def pre_request(self, call: Call) -> Call | None:
        if call.api != "chat":
            return None
        # A header that is no number raises: what becomes of the call is the operator's choice.
        marks = min(int(call.headers.get("x-shout-marks", self._config.marks)), self._config.most)
        *before, last = call.body["messages"]
        return call.set(messages=[*before, {**last, "content": f"{last['content']}{'!' * marks}"}])

    @hookimpl
    def post_response(self, call: Call, reply: Reply) -> Reply | None:
        if call.api != "chat":
            return None
        if not call.dry_run:
            reply = reply.on_complete(self._count)
        return reply.map(_louder)

    @hookimpl
    def health(self) -> Mapping[str, object]:
        return {"status": "ok", "shouted": self._shouted}

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        @operation("How often answers were shouted", access="admin", tag="shout", responses={200: _SHOUTED})
        async def shout(request: Request) -> JSONResponse:
            return JSONResponse({"shouted": self._shouted})

        return [Route("/shout", shout, methods=["GET"])]

    @hookimpl
    def commands(self, cli: click.Group) -> None:
        @cli.command("shout")
        @click.argument("text")
        def shout(text: str) -> None:
            """Say TEXT loudly."""
            click.echo(text.upper() + "!" * self._config.marks)

    def _count(self, outcome: object) -> None:
        self._shouted += 1


_SHOUTED = {"type": "object", "properties": {"shouted": {"type": "integer"}}, "required": ["shouted"]}


def _louder(body: Any) -> Any:
    """The answer, or one event of it, with its text in capitals; None where there is no text."""
    choices = body.get("choices")
    if not choices:
        return None
    return {**body, "choices": [_louder_choice(choice) for choice in choices]}


def _louder_choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    part = "delta" if "delta" in choice else "message"
    text = choice[part].get("content")
    return {**choice, part: {**choice[part], "content": text.upper()}} if text else dict(choice)
