"""A Cognitude plugin that keeps an organization's notes in the gateway's database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlmodel import SQLModel
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from hooks import Gateway, hookimpl, operation

from .tables import Note

_NOTE: Any = Note.__table__  # type: ignore[attr-defined]
_SCHEMA = {"type": "object", "properties": {"notes": {"type": "array", "items": {"type": "string"}}}}


class Notes:
    def __init__(self) -> None:
        self._gateway: Gateway | None = None

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        return [Note]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, gateway: Gateway) -> AsyncIterator[None]:
        self._gateway = gateway
        yield

    @hookimpl
    def routes(self) -> Iterable[BaseRoute]:
        @operation("Add a note", access="organization", tag="notes", responses={200: _SCHEMA})
        async def add(request: Request) -> JSONResponse:
            organization, text = request.state.caller.organization, (await request.json())["text"]
            assert self._gateway is not None
            await self._gateway.database.write(organization, lambda connection: _add(connection, organization, text))
            return await show(request)

        @operation("The organization's notes", access="organization", tag="notes", responses={200: _SCHEMA})
        async def show(request: Request) -> JSONResponse:
            organization = request.state.caller.organization
            assert self._gateway is not None
            notes = await self._gateway.database.read(organization, lambda connection: _all(connection, organization))
            return JSONResponse({"notes": notes})

        return [Route("/notes", add, methods=["POST"]), Route("/notes", show, methods=["GET"])]


def _add(connection: Connection, organization: str, text: str) -> None:
    connection.execute(insert(_NOTE).values(organization=organization, text=text, color="yellow"))


def _all(connection: Connection, organization: str) -> list[str]:
    query = select(_NOTE.c.text).where(_NOTE.c.organization == organization).order_by(_NOTE.c.id)
    return list(connection.execute(query).scalars())
