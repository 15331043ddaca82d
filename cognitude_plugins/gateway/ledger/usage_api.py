"""``GET /analytics/usage``: what was used and spent, for the keys of an organization and for gateway admins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Caller, Reply, Sums, operation
from hooks.endpoint import answering, refused, respond

from ..schemas import Error
from .period import Period, WrongQuery
from .reader import Reader
from .usage_report import UsageReport, report

_DIMENSIONS: Final = ("day", "model", "provider", "user", "key")
_PARAMETERS: Final = ("start_date", "end_date", "group_by", "organization")


class UsageQuery(BaseModel):
    start_date: str | None = Field(default=None, description="First day, of UTC; by default 29 days before the last.")
    end_date: str | None = Field(default=None, description="Last day, included; by default today.")
    group_by: str = Field(
        default="day",
        description="day, model, provider, user or key; for gateway-admin keys also organization.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageApi:
    """``clock`` gives seconds since 1970."""

    reader: Reader
    clock: Callable[[], float] = time.time

    def routes(self) -> list[BaseRoute]:
        return [Route("/analytics/usage", self.usage(), methods=["GET"])]

    def usage(self) -> Any:
        @operation(
            "What was used and spent, by day, model, provider, user or key",
            access="organization",
            across=True,
            tag="Analytics",
            request=UsageQuery,
            responses={200: UsageReport, 400: Error, 503: Error},
        )
        @answering
        async def usage(request: Request) -> Response:
            caller: Caller = request.state.caller
            try:
                group_by = _group_by(request, caller)
                period = self._period(request)
            except WrongQuery as wrong:
                raise refused(str(wrong), param=wrong.param) from None
            found = await self._found(caller, period, group_by)
            return respond(Reply.json(report(found, period, group_by)))

        return usage

    def _period(self, request: Request) -> Period:
        given = request.query_params
        today = datetime.fromtimestamp(self.clock(), UTC).date()
        return Period.of(given.get("start_date"), given.get("end_date"), today, names=("start_date", "end_date"))

    async def _found(self, caller: Caller, period: Period, group_by: str) -> Sequence[Sums]:
        if caller.admin:
            whose = caller.organization or None
            return await self.reader.usage_across(whose, since=period.since, until=period.until, group_by=(group_by,))
        return await self.reader.usage(
            caller.organization, since=period.since, until=period.until, group_by=(group_by,)
        )


def _group_by(request: Request, caller: Caller) -> str:
    """Raises `WrongQuery`, also for a parameter that is not known or given twice."""
    for name in request.query_params:
        if len(request.query_params.getlist(name)) > 1:
            raise WrongQuery(name[:200], f"The parameter {name[:80]!r} is given more than once.")
        if name not in _PARAMETERS:
            raise WrongQuery(name[:200], f"There is no parameter {name[:80]!r}, but {', '.join(_PARAMETERS)}.")
    allowed = (*_DIMENSIONS, "organization") if caller.admin else _DIMENSIONS
    group_by = request.query_params.get("group_by", "day")
    if group_by not in allowed:
        raise WrongQuery("group_by", f"group_by must be one of {', '.join(allowed)}, not {group_by[:80]!r}.")
    return group_by
