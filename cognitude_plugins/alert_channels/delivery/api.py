"""What was sent to a channel and how it went; sending it again, and trying whether anything arrives at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, Database, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from ..channels.api import TAG, channel_of, organization_of
from ..channels.api import Desk as ChannelDesk
from ..channels.bodies import Nothing
from . import bodies, history
from .bodies import DeliveriesQuery, DeliveryBody, DeliveryList, TestReceipt
from .probe import Probe

_CHANNEL: Final = "/alerts/channels/{id}/deliveries"


class Desk(ChannelDesk, Protocol):
    @property
    def database(self) -> Database: ...

    @property
    def probe(self) -> Probe: ...

    def now_ms(self) -> int: ...


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route(_CHANNEL, api.list(), methods=["GET"]),
        Route("/alerts/deliveries/{id}/redeliver", api.redeliver(), methods=["POST"]),
        Route("/alerts/test/{id}", api.test(), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def list(self) -> Any:
        @operation(
            "List what was sent to a channel, with every attempt",
            access="organization",
            across=True,
            tag=TAG,
            request=DeliveriesQuery,
            responses={200: DeliveryList, 404: None},
        )
        @answering
        async def list_deliveries(request: Request) -> Response:
            asked = query_as(request, DeliveriesQuery)
            known = await channel_of(self.desk, request, request.path_params["id"])
            whose, most = organization_of(request), asked.limit + 1
            found = await self.desk.database.read(
                whose,
                lambda connection: history.deliveries(connection, whose, known.id, most=most, before=asked.after),
            )
            page = found[: asked.limit]
            further = page[-1].id if len(found) > len(page) else None
            return answer(DeliveryList(data=[bodies.shown(one) for one in page], next=further))

        return list_deliveries

    def redeliver(self) -> Any:
        @operation(
            "Send a message again, under the same id",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={202: DeliveryBody, 404: None, 408: None, 409: None},
        )
        @answering
        async def redeliver_message(request: Request) -> Response:
            query_as(request, Nothing)
            await body_as(request, Nothing)
            id, whose = request.path_params["id"], organization_of(request)
            await self.desk.directory.refresh()
            database = self.desk.database
            found = None
            if id.isprintable():
                found = await database.read(whose, lambda connection: history.find(connection, id))
            mine = found is not None and whose in (EVERY_ORGANIZATION, found.organization)
            known = self.desk.directory.find(found.channel) if found is not None and mine else None
            if known is None or known.target.organization != whose:
                raise refused(f"There is no delivery {id[:80]!r}.", status=404, code="not_found")
            if not known.usable:
                message = f"The channel {known.target.name!r} is switched off."
                raise refused(message, status=409, code="channel_off")
            now_ms = self.desk.now_ms()
            if not await database.write(whose, lambda connection: history.again(connection, id, now_ms=now_ms)):
                raise refused("The message is being sent at this moment.", status=409, code="being_sent")
            after = await database.read(whose, lambda connection: history.find(connection, id))
            if after is None:
                raise refused(f"There is no delivery {id[:80]!r}.", status=404, code="not_found")
            return answer(bodies.shown(after), 202)

        return redeliver_message

    def test(self) -> Any:
        @operation(
            "Send a test message to a channel now, and say how it went",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: TestReceipt, 404: None, 408: None, 429: None},
        )
        @answering
        async def test_channel(request: Request) -> Response:
            query_as(request, Nothing)
            await body_as(request, Nothing)
            known = await channel_of(self.desk, request, request.path_params["id"])
            message, receipt = await self.desk.probe.send(known)
            return answer(bodies.receipt(message.id, known.id, receipt))

        return test_channel
