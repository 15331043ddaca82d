"""``/alerts/budgets``: the budgets of an organization, and how they stand.

What ``plugins.yaml`` or a gateway admin has set is not an organization's own to change: nobody widens their own rights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, Caller, operation
from hooks.endpoint import answer, answering, body_as, explained, query_as, refused

from ..local_days import today
from .bodies import BudgetBody, BudgetChange, BudgetDetail, BudgetList, Deleted, NewBudget, Nothing
from .desk import Desk
from .owned import Owned, dated
from .register import NameTaken, TooMany
from .settings import Budget
from .shown import alerts, shown

_PATH: Final = "/alerts/budgets"
_TAG: Final = "Budgets"


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route(_PATH, api.listed(), methods=["GET"]),
        Route(_PATH, api.create(), methods=["POST"]),
        Route(f"{_PATH}/{{id}}", api.show(), methods=["GET"]),
        Route(f"{_PATH}/{{id}}", api.change(), methods=["PATCH"]),
        Route(f"{_PATH}/{{id}}", api.delete(), methods=["DELETE"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def listed(self) -> Any:
        @operation(
            "List the budgets of an organization, and how they stand",
            access="organization",
            across=True,
            tag=_TAG,
            request=Nothing,
            responses={200: BudgetList, 503: None},
        )
        @answering
        async def list_budgets(request: Request) -> Response:
            query_as(request, Nothing)
            caller, whose = _caller(request), _whose(request)
            await self.desk.refresh()
            register = self.desk.register
            found = register.all() if whose == EVERY_ORGANIZATION else register.of(whose)
            return answer(BudgetList(organization=caller.organization or None, data=await self._bodies(request, found)))

        return list_budgets

    def create(self) -> Any:
        @operation(
            "Set a budget; a gateway admin who names no organization sets it for each of them apart",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=NewBudget,
            responses={201: BudgetBody, 408: None, 409: None, 503: None},
        )
        @answering
        async def set_budget(request: Request) -> Response:
            query_as(request, Nothing)
            body, whose = await body_as(request, NewBudget), _whose(request)
            now = self.desk.now()
            made = round(now.timestamp() * 1000)
            budget = Budget.model_validate(body.model_dump())
            one = Owned(
                id=self.desk.new_id(),
                organization=whose,
                by="operator" if _caller(request).admin else "organization",
                budget=dated(budget, today(now, self.desk.gateway.time_zone(whose))),
                created_ms=made,
                updated_ms=made,
            )
            try:
                await self.desk.register.add(one)
            except NameTaken as error:
                raise refused(f"name: {error}.", param="name", status=409, code="name_taken") from None
            except TooMany as error:
                raise refused(f"{error}.", status=409, code="too_many_budgets") from None
            await self.desk.refresh()
            [shown_one] = await self._bodies(request, [one])
            return answer(shown_one, 201)

        return set_budget

    def show(self) -> Any:
        @operation(
            "Show a budget, how it stands, and its alerts",
            access="organization",
            across=True,
            tag=_TAG,
            request=Nothing,
            responses={200: BudgetDetail, 404: None, 503: None},
        )
        @answering
        async def show_budget(request: Request) -> Response:
            query_as(request, Nothing)
            await self.desk.refresh()
            one, whose = self._found(request), _whose(request)
            [body] = await self._bodies(request, [one])
            found = await self.desk.gateway.database.read(whose, lambda connection: alerts(connection, whose, one.id))
            return answer(BudgetDetail(**body.model_dump(), alerts=list(found)))

        return show_budget

    def change(self) -> Any:
        @operation(
            "Change a budget",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=BudgetChange,
            responses={200: BudgetBody, 403: None, 404: None, 408: None, 409: None, 503: None},
        )
        @answering
        async def change_budget(request: Request) -> Response:
            query_as(request, Nothing)
            body = await body_as(request, BudgetChange)
            await self.desk.refresh()
            one = self._writable(request)
            try:
                after = await self.desk.register.change(one.id, _changer(request, body, self.desk.now().timestamp()))
            except NameTaken as error:
                raise refused(f"name: {error}.", param="name", status=409, code="name_taken") from None
            if after is None:
                raise _missing()
            await self.desk.refresh()
            [shown_one] = await self._bodies(request, [after])
            return answer(shown_one)

        return change_budget

    def delete(self) -> Any:
        @operation(
            "Delete a budget",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=Nothing,
            responses={200: Deleted, 403: None, 404: None, 409: None, 503: None},
        )
        @answering
        async def delete_budget(request: Request) -> Response:
            query_as(request, Nothing)
            await self.desk.refresh()
            one = self._writable(request)
            if not await self.desk.register.delete(one.id):
                raise _missing()
            await self.desk.refresh()
            return answer(Deleted(id=one.id))

        return delete_budget

    async def _bodies(self, request: Request, found: Sequence[Owned]) -> list[BudgetBody]:
        """One for each: of each organization apart only where one is named."""
        whose, caller = _whose(request), _caller(request)
        asked = [one for one in found if whose != EVERY_ORGANIZATION or one.organization != EVERY_ORGANIZATION]
        standings = {one.share.owned.id: one for one in await self.desk.standing(asked, whose)}
        return [
            shown(
                one,
                standings.get(one.id),
                writable=_may_change(caller, one),
                warning=self.desk.warning(one),
            )
            for one in found
        ]

    def _found(self, request: Request) -> Owned:
        """Raises `Refused`: what is another organization's is not there."""
        one, whose = self.desk.register.find(request.path_params["id"]), _whose(request)
        if one is None or not (whose == EVERY_ORGANIZATION or one.within(whose)):
            raise _missing()
        return one

    def _writable(self, request: Request) -> Owned:
        one = self._found(request)
        if one.by == "configuration":
            message = f"The budget {one.budget.name!r} is declared in plugins.yaml and is changed there."
            raise refused(message, status=409, code="declared")
        if not _may_change(_caller(request), one):
            message = f"The budget {one.budget.name!r} was set by a gateway admin, who alone can change it."
            raise refused(message, status=403, code="set_by_operator")
        if one.organization != _whose(request) != EVERY_ORGANIZATION:
            message = f"The budget {one.budget.name!r} is of every organization: name none to change it."
            raise refused(message, param="organization", status=409, code="of_every_organization")
        return one


def _changer(request: Request, body: BudgetChange, now: float) -> Callable[[Owned], Owned]:
    """It raises `Refused`, too: what was read may be another one by now."""
    from pydantic import ValidationError

    caller = _caller(request)

    def changed(before: Owned) -> Owned:
        if not _may_change(caller, before):
            raise refused("The budget is a gateway admin's by now.", status=403, code="set_by_operator")
        values = {**before.budget.model_dump(), **body.given()}
        try:
            budget = Budget.model_validate(values)
        except ValidationError as error:
            param, text = explained(error)
            raise refused(f"{param}: {text}." if param else f"{text}.", param=param or None) from None
        return replace(before, budget=budget, updated_ms=round(now * 1000))

    return changed


def _may_change(caller: Caller, one: Owned) -> bool:
    if one.by == "configuration":
        return False
    mine = one.by == "organization" and one.organization == caller.organization and caller.role == "admin"
    return caller.admin or mine


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _whose(request: Request) -> str:
    return _caller(request).organization or EVERY_ORGANIZATION


def _missing() -> Exception:
    return refused("There is no such budget.", status=404, code="not_found")
