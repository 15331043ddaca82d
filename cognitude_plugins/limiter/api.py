"""``/rate-limits``: the limits of an organization, as they are set and as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Caller, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from . import shown
from .bodies import (
    ConfigQuery,
    LimitsConfig,
    LimitsReset,
    LimitsUsage,
    NewLimits,
    Nothing,
    OwnLimit,
    UsageQuery,
)
from .layers import Layer, Override
from .overrides import Overrides, TooManyKeys
from .settings import Limit
from .standing import Standing

_CONFIG: Final = "/rate-limits/config"
_TAG: Final = "Rate limits"


class Desk(Protocol):
    """What the endpoints need of the limiter. ``limits`` are those of plugins.yaml."""

    @property
    def limits(self) -> Sequence[Limit]: ...

    @property
    def overrides(self) -> Overrides: ...

    async def refresh(self) -> None:
        """Apply here what was changed in the database."""
        ...

    async def standing(
        self, organization: str, *, key: str = "", user: str = "", address: str = "", model: str = ""
    ) -> Sequence[Standing]: ...

    async def reset(self, organization: str, *, own_only: bool) -> None: ...


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route(_CONFIG, api.show(), methods=["GET"]),
        Route(_CONFIG, api.put(), methods=["PUT"]),
        Route(_CONFIG, api.delete(), methods=["DELETE"]),
        Route("/rate-limits/usage", api.usage(), methods=["GET"]),
        Route("/rate-limits/reset", api.reset(), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def show(self) -> Any:
        @operation(
            "Show the limits in force, and who set them",
            access="organization",
            tag=_TAG,
            request=ConfigQuery,
            responses={200: LimitsConfig},
        )
        @answering
        async def show_limits(request: Request) -> Response:
            key = query_as(request, ConfigQuery).key or ""
            await self.desk.refresh()
            return self._config(request, key, self.desk.overrides.of(_caller(request).organization))

        return show_limits

    def put(self) -> Any:
        @operation(
            "Set an organization's limits, or with ?key=… those of one key, in place of those that were set",
            access="organization_admin",
            tag=_TAG,
            request=NewLimits,
            responses={200: LimitsConfig, 408: None, 409: None},
        )
        @answering
        async def set_limits(request: Request) -> Response:
            key = query_as(request, ConfigQuery).key or ""
            limits = (await body_as(request, NewLimits)).limits
            if key:
                _only_of_keys(limits)
            organization, layer = _caller(request).organization, _layer(request)
            try:
                after = await self.desk.overrides.put(organization, key, layer, limits, configured=self.desk.limits)
            except TooManyKeys as error:
                raise refused(f"{error}.", param="key", status=409, code="too_many_keys") from None
            except ValueError as error:
                raise refused(f"limits: {error}.", param="limits") from None
            await self.desk.refresh()
            return self._config(request, key, after)

        return set_limits

    def delete(self) -> Any:
        @operation(
            "Delete the limits that were set for an organization, or with ?key=… for one key",
            access="organization_admin",
            tag=_TAG,
            request=ConfigQuery,
            responses={200: LimitsConfig},
        )
        @answering
        async def delete_limits(request: Request) -> Response:
            key = query_as(request, ConfigQuery).key or ""
            organization, layer = _caller(request).organization, _layer(request)
            after = await self.desk.overrides.delete(organization, key, layer)
            if after is None:
                whom = f"the key {key!r}" if key else "the organization"
                raise refused(f"No limits are set for {whom}.", status=404, code="not_found")
            await self.desk.refresh()
            return self._config(request, key, after)

        return delete_limits

    def usage(self) -> Any:
        @operation(
            "Show how much of each limit is used",
            access="organization",
            tag=_TAG,
            request=UsageQuery,
            responses={200: LimitsUsage},
        )
        @answering
        async def show_usage(request: Request) -> Response:
            caller, names = _caller(request), query_as(request, UsageQuery).model_dump(exclude_none=True)
            if not names.keys() & {"key", "user", "address"} and not caller.admin:
                names |= {"key": caller.key, "user": caller.user or "", "address": caller.address}
            found = await self.desk.standing(caller.organization, **names)
            names["organization"] = caller.organization
            limits = [shown.usage(one, names) for one in found]
            return answer(LimitsUsage(organization=caller.organization, limits=limits))

        return show_usage

    def reset(self) -> Any:
        @operation(
            "Begin to count anew: all of an organization, or for its own admins what it limits itself",
            access="organization_admin",
            tag=_TAG,
            request=Nothing,
            responses={200: LimitsReset, 408: None},
        )
        @answering
        async def reset_counters(request: Request) -> Response:
            await body_as(request, Nothing)
            query_as(request, Nothing)
            caller = _caller(request)
            await self.desk.reset(caller.organization, own_only=not caller.admin)
            counters: Any = "all" if caller.admin else "own"
            return answer(LimitsReset(organization=caller.organization, counters=counters))

        return reset_counters

    def _config(self, request: Request, key: str, overrides: Sequence[Override]) -> Response:
        caller = _caller(request)
        writes = _layer(request) if caller.admin or caller.role == "admin" else None
        return answer(shown.config(caller.organization, key, self.desk.limits, overrides, writes))


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _layer(request: Request) -> Layer:
    """Of the two, the one that this caller writes."""
    return "operator" if _caller(request).admin else "organization"


def _only_of_keys(limits: Sequence[OwnLimit]) -> None:
    for index, limit in enumerate(limits):
        if limit.scope != "key":
            param = f"limits.{index}.scope"
            raise refused(f"{param}: of one key the scope must be 'key', not {limit.scope!r}.", param=param)
