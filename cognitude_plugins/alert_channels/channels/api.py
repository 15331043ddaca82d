"""``/alerts/channels``: the channels of an organization, or the gateway's own; never their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, Caller, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from . import bodies
from .bodies import (
    ChannelBody,
    ChannelChanges,
    ChannelDeleted,
    ChannelList,
    MadeChannel,
    NewChannel,
    Nothing,
    Rotation,
)
from .directory import Directory, Known
from .editing import Editor

_CHANNELS: Final = "/alerts/channels"
_ONE: Final = "/alerts/channels/{id}"
TAG: Final = "Alert channels"


class Desk(Protocol):
    @property
    def directory(self) -> Directory: ...

    @property
    def editor(self) -> Editor: ...


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route(_CHANNELS, api.make(), methods=["POST"]),
        Route(_CHANNELS, api.list(), methods=["GET"]),
        Route(_ONE, api.show(), methods=["GET"]),
        Route(_ONE, api.change(), methods=["PATCH"]),
        Route(_ONE, api.delete(), methods=["DELETE"]),
        Route(f"{_ONE}/rotate", api.rotate(), methods=["POST"]),
    ]


def organization_of(request: Request) -> str:
    """Whom the caller acts for: a gateway admin who has named nobody, for the gateway."""
    caller: Caller = request.state.caller
    return caller.organization or EVERY_ORGANIZATION


async def channel_of(desk: Desk, request: Request, id: str) -> Known:
    """The caller's own channel of this id; what is somebody else's is not there."""
    await desk.directory.refresh()
    found = desk.directory.find(id)
    if found is None or found.target.organization != organization_of(request):
        raise refused(f"There is no channel {id[:80]!r}.", status=404, code="not_found")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def make(self) -> Any:
        @operation(
            "Make a channel that alerts are sent to",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=NewChannel,
            responses={201: MadeChannel, 408: None, 409: None},
        )
        @answering
        async def make_channel(request: Request) -> Response:
            query_as(request, Nothing)
            new = await body_as(request, NewChannel, secret=True)
            await self.desk.directory.refresh()
            known, made = await self.desk.editor.make(organization_of(request), new)
            return answer(bodies.made(known, made), 201)

        return make_channel

    def list(self) -> Any:
        @operation(
            "List the channels, those of plugins.yaml too",
            access="organization",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: ChannelList},
        )
        @answering
        async def list_channels(request: Request) -> Response:
            query_as(request, Nothing)
            await self.desk.directory.refresh()
            found = self.desk.directory.of(organization_of(request))
            return answer(ChannelList(data=[bodies.shown(one) for one in found]))

        return list_channels

    def show(self) -> Any:
        @operation(
            "Show a channel",
            access="organization",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: ChannelBody, 404: None},
        )
        @answering
        async def show_channel(request: Request) -> Response:
            query_as(request, Nothing)
            return answer(bodies.shown(await channel_of(self.desk, request, request.path_params["id"])))

        return show_channel

    def change(self) -> Any:
        @operation(
            "Change a channel, or switch it on again",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=ChannelChanges,
            responses={200: ChannelBody, 404: None, 408: None, 409: None},
        )
        @answering
        async def change_channel(request: Request) -> Response:
            query_as(request, Nothing)
            known = await channel_of(self.desk, request, request.path_params["id"])
            changes = await body_as(request, ChannelChanges, secret=True)
            return answer(bodies.shown(await self.desk.editor.change(known, changes)))

        return change_channel

    def delete(self) -> Any:
        @operation(
            "Delete a channel; what waits for it is not sent",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: ChannelDeleted, 404: None, 409: None},
        )
        @answering
        async def delete_channel(request: Request) -> Response:
            query_as(request, Nothing)
            known = await channel_of(self.desk, request, request.path_params["id"])
            await self.desk.editor.delete(known)
            return answer(ChannelDeleted(id=known.id))

        return delete_channel

    def rotate(self) -> Any:
        @operation(
            "Give a channel a new secret; the old one is good for a while still",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Rotation,
            responses={200: MadeChannel, 404: None, 408: None, 409: None},
        )
        @answering
        async def rotate_secret(request: Request) -> Response:
            query_as(request, Nothing)
            known = await channel_of(self.desk, request, request.path_params["id"])
            overlap = timedelta(hours=(await body_as(request, Rotation)).overlap_hours)
            return answer(bodies.made(*await self.desk.editor.rotate(known, overlap)))

        return rotate_secret
