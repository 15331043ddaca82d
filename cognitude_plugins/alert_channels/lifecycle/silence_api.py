"""``/alerts/silences``: for maintenance, when nobody is to be told of some alerts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, Caller, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from ..channels.api import organization_of
from ..channels.bodies import Nothing
from . import bodies, stored
from .bodies import NewSilence, SilenceBody, SilenceDeleted, SilenceList
from .lifecycle import Lifecycle
from .silence import Silence

_SILENCES: Final = "/alerts/silences"
MOST: Final = 1000
"""Of one organization, that are not over."""


class Watch(Protocol):
    @property
    def lifecycle(self) -> Lifecycle: ...

    @property
    def now(self) -> Callable[[], datetime]: ...


def silence_routes(watch: Watch, tag: str) -> list[BaseRoute]:
    return [
        Route(_SILENCES, _make(watch, tag), methods=["POST"]),
        Route(_SILENCES, _list(watch, tag), methods=["GET"]),
        Route(f"{_SILENCES}/{{id}}", _delete(watch, tag), methods=["DELETE"]),
    ]


def _make(watch: Watch, tag: str) -> Any:
    @operation(
        "Tell nobody of some alerts for a while",
        access="organization_admin",
        across=True,
        tag=tag,
        request=NewSilence,
        responses={201: SilenceBody, 408: None, 409: None},
    )
    @answering
    async def make_silence(request: Request) -> Response:
        query_as(request, Nothing)
        organization, wanted = organization_of(request), await body_as(request, NewSilence)
        now, matchers = watch.now(), wanted.matchers.model_dump(exclude_none=True)
        start = wanted.start or now
        made = new_silence(organization, matchers, start, wanted.end, request.state.caller, wanted.comment, now)
        await put(watch, made)
        return answer(bodies.silence_body(made), 201)

    return make_silence


def _list(watch: Watch, tag: str) -> Any:
    @operation(
        "List the silences that are not over",
        access="organization",
        across=True,
        tag=tag,
        request=Nothing,
        responses={200: SilenceList},
    )
    @answering
    async def list_silences(request: Request) -> Response:
        query_as(request, Nothing)
        organization, now = organization_of(request), _ms(watch.now())
        found = await watch.lifecycle.database.read(
            organization, lambda connection: stored.silences(connection, now, organization)
        )
        return answer(SilenceList(data=[bodies.silence_body(one) for one in found]))

    return list_silences


def _delete(watch: Watch, tag: str) -> Any:
    @operation(
        "End a silence",
        access="organization_admin",
        across=True,
        tag=tag,
        request=Nothing,
        responses={200: SilenceDeleted, 404: None},
    )
    @answering
    async def delete_silence(request: Request) -> Response:
        query_as(request, Nothing)
        organization, id = organization_of(request), request.path_params["id"]
        there = id.isprintable() and await watch.lifecycle.database.write(
            organization, lambda connection: stored.remove_silence(connection, organization, id)
        )
        if not there:
            raise refused(f"There is no silence {id[:80]!r}.", status=404, code="not_found")
        return answer(SilenceDeleted(id=id))

    return delete_silence


async def put(watch: Watch, made: Silence) -> None:
    """Raises `hooks.endpoint.Refused` where the organization has so many."""

    def work(connection: Any) -> bool:
        there = stored.silences(connection, made.created_ms, made.organization)
        if len(there) < MOST:
            stored.add_silence(connection, made)
        return len(there) < MOST

    if not await watch.lifecycle.database.write(made.organization, work):
        raise refused(f"There are {MOST} silences already.", status=409, code="too_many_silences")


def new_silence(
    organization: str,
    matchers: Mapping[str, str],
    start: datetime,
    end: Callable[[datetime], datetime],
    caller: Caller,
    comment: str | None,
    now: datetime,
) -> Silence:
    """Raises `hooks.endpoint.Refused` for one without length."""
    try:
        until = end(start)
    except ValueError as error:
        raise refused(f"until: {error}.", param="until") from None
    if until <= now:
        raise refused("until: a silence that is over silences nothing.", param="until")
    return Silence(
        id=f"silence_{secrets.token_hex(12)}",
        organization=organization or EVERY_ORGANIZATION,
        matchers=matchers,
        from_ms=_ms(start),
        until_ms=_ms(until),
        by=caller.user or caller.key,
        operator=caller.admin,
        comment=comment,
        created_ms=_ms(now),
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
