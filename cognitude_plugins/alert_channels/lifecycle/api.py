"""``/alerts``: what fires, what became of it, and what people do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from hooks import EVERY_ORGANIZATION, Caller, operation
from hooks.endpoint import Refused, answer, answering, body_as, query_as, refused

from ..channels.bodies import Nothing
from . import bodies, stored
from .bodies import AlertDetail, AlertList, AlertQuery, AlertSilenceBody, NoteBody, SilenceBody
from .lifecycle import Lifecycle, WrongState
from .listing import Listed, Wanted, listed, one_listed
from .silence import Silence
from .silence_api import new_silence, put, silence_routes
from .standing import Standing

TAG: Final = "Alerts"
_ONE: Final = "/alerts/{id}"


_NAMED: Final = frozenset({"budgets", "channels", "check", "configs", "silences", "summaries"})
"""What stands at the place of an id and is none."""


class Watch(Protocol):
    @property
    def lifecycle(self) -> Lifecycle: ...

    @property
    def now(self) -> Callable[[], datetime]: ...


def routes(watch: Watch) -> list[BaseRoute]:
    """Behind those of all other paths that begin like these."""
    api = _Api(watch=watch)
    return [
        *silence_routes(watch, TAG),
        Route("/alerts", api.list(), methods=["GET"]),
        _OneAlert(_ONE, api.show(), methods=["GET"]),
        Route(f"{_ONE}/ack", api.acknowledge(), methods=["POST"]),
        Route(f"{_ONE}/resolve", api.resolve(), methods=["POST"]),
        Route(f"{_ONE}/silence", api.silence(), methods=["POST"]),
    ]


class _OneAlert(Route):
    """Not of ``/alerts/check``, which would be told to have a GET."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        named = match is not Match.NONE and found["path_params"]["id"] in _NAMED
        return (Match.NONE, {}) if named else (match, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    watch: Watch

    def list(self) -> Any:
        @operation(
            "List alerts, those that are open first; a gateway admin's without an organization are of all",
            access="organization",
            across=True,
            tag=TAG,
            request=AlertQuery,
            responses={200: AlertList},
        )
        @answering
        async def list_alerts(request: Request) -> Response:
            query = query_as(request, AlertQuery)
            wanted = Wanted(
                organization=_whose(request),
                since_ms=None if query.since is None else round(query.since.timestamp() * 1000),
                **query.model_dump(exclude={"since"}),
            )
            found, more = await self._read(request, lambda connection: listed(connection, wanted))
            data = [bodies.alert_body(one) for one in found]
            return answer(AlertList(data=data, has_more=more, next=data[-1].id if more else None))

        return list_alerts

    def show(self) -> Any:
        @operation(
            "Show an alert, with its history",
            access="organization",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: AlertDetail, 404: None},
        )
        @answering
        async def show_alert(request: Request) -> Response:
            query_as(request, Nothing)
            return answer(await self._detail(request))

        return show_alert

    def acknowledge(self) -> Any:
        @operation(
            "Acknowledge an alert: it is not told again until it is resolved",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=NoteBody,
            responses={200: AlertDetail, 404: None, 408: None, 409: None},
        )
        @answering
        async def acknowledge_alert(request: Request) -> Response:
            return await self._by_hand(request, self.watch.lifecycle.acknowledge)

        return acknowledge_alert

    def resolve(self) -> Any:
        @operation(
            "Resolve an alert by hand: it opens again after its rule has held, or in its next period",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=NoteBody,
            responses={200: AlertDetail, 404: None, 408: None, 409: None},
        )
        @answering
        async def resolve_alert(request: Request) -> Response:
            return await self._by_hand(request, self.watch.lifecycle.resolve)

        return resolve_alert

    def silence(self) -> Any:
        @operation(
            "Tell nobody of an alert for a while",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=AlertSilenceBody,
            responses={201: SilenceBody, 404: None, 408: None, 409: None},
        )
        @answering
        async def silence_alert(request: Request) -> Response:
            query_as(request, Nothing)
            alert = (await self._one(request)).alert
            wanted = await body_as(request, AlertSilenceBody)
            now = self.watch.now()
            made: Silence = new_silence(
                alert.organization, {"alert": alert.id}, now, wanted.end, request.state.caller, wanted.comment, now
            )
            await put(self.watch, made)
            return answer(bodies.silence_body(made), 201)

        return silence_alert

    async def _by_hand(self, request: Request, act: Callable[..., Awaitable[Standing | None]]) -> Response:
        query_as(request, Nothing)
        await self._one(request)
        note = (await body_as(request, NoteBody)).note
        try:
            await act(_whose(request), request.path_params["id"], by=who(request), note=note, now=self.watch.now())
        except WrongState as error:
            text = str(error)
            raise refused(f"{text[0].upper()}{text[1:]}.", status=409, code="wrong_state") from None
        return answer(await self._detail(request))

    async def _detail(self, request: Request) -> AlertDetail:
        one = await self._one(request)
        history = await self._read(request, lambda connection: stored.history(connection, one.alert.id))
        return bodies.alert_detail(one, history)

    async def _one(self, request: Request) -> Listed:
        id = request.path_params["id"]
        found: Listed | None = None
        if id.isprintable():
            found = await self._read(request, lambda connection: one_listed(connection, _whose(request), id))
        if found is None:
            raise _missing(id)
        return found

    async def _read(self, request: Request, work: Callable[[Connection], Any]) -> Any:
        return await self.watch.lifecycle.database.read(_whose(request) or EVERY_ORGANIZATION, work)


def who(request: Request) -> str:
    """For histories: the user if there is one, else the key."""
    caller: Caller = request.state.caller
    return caller.user or caller.key


def _whose(request: Request) -> str | None:
    """None for a gateway admin who has named no organization: all of them."""
    caller: Caller = request.state.caller
    return caller.organization or None


def _missing(id: str) -> Refused:
    return refused(f"There is no alert {id[:80]!r}.", status=404, code="not_found")
