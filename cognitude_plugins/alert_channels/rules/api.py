"""``/alerts/configs``: the rules of an organization, or the gateway's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, operation
from hooks.endpoint import Refused, answer, answering, body_as, explained, query_as, refused

from ..channels.api import organization_of
from ..channels.bodies import Nothing
from . import bodies
from .bodies import RuleBody, RuleChanges, RuleDeleted, RuleList
from .bound import Bound
from .check_api import check_route
from .checks import MINUTELY, checks
from .fitting import fits
from .rulebook import NameTaken, TooManyRules
from .settings import Rule
from .watch import Watch

_RULES: Final = "/alerts/configs"
_ONE: Final = "/alerts/configs/{id}"
TAG: Final = "Alert rules"


def routes(watch: Watch) -> list[BaseRoute]:
    api = _Api(watch=watch)
    return [
        Route(_RULES, api.make(), methods=["POST"]),
        Route(_RULES, api.list(), methods=["GET"]),
        Route(_ONE, api.show(), methods=["GET"]),
        Route(_ONE, api.change(), methods=["PATCH"]),
        Route(_ONE, api.delete(), methods=["DELETE"]),
        check_route(watch, TAG),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    watch: Watch

    def make(self) -> Any:
        @operation(
            "Make a rule",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Rule,
            responses={201: RuleBody, 408: None, 409: None},
        )
        @answering
        async def make_rule(request: Request) -> Response:
            query_as(request, Nothing)
            organization, rule = organization_of(request), await body_as(request, Rule)
            fits(self.watch, organization, rule)
            try:
                bound = await self.watch.rulebook.add(organization, rule, self._now_ms())
            except (NameTaken, TooManyRules) as error:
                raise _conflict(error) from None
            return answer(self._shown(bound, request), 201)

        return make_rule

    def list(self) -> Any:
        @operation(
            "List the rules that watch the organization, the gateway's and those of plugins.yaml too",
            access="organization",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: RuleList},
        )
        @answering
        async def list_rules(request: Request) -> Response:
            query_as(request, Nothing)
            await self.watch.rulebook.refresh()
            found = self.watch.rulebook.watching(organization_of(request))
            return answer(RuleList(data=[self._shown(one, request) for one in found]))

        return list_rules

    def show(self) -> Any:
        @operation(
            "Show a rule",
            access="organization",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: RuleBody, 404: None},
        )
        @answering
        async def show_rule(request: Request) -> Response:
            query_as(request, Nothing)
            return answer(self._shown(await self._of(request), request))

        return show_rule

    def change(self) -> Any:
        @operation(
            "Change a rule",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=RuleChanges,
            responses={200: RuleBody, 404: None, 408: None, 409: None},
        )
        @answering
        async def change_rule(request: Request) -> Response:
            query_as(request, Nothing)
            organization, id = organization_of(request), (await self._own(request)).id
            changes = await body_as(request, RuleChanges)

            def made(rule: Rule) -> Rule:
                try:
                    changed = changes.made_to(rule)
                except ValidationError as error:
                    param, text = explained(error)
                    raise refused(f"{param}: {text}." if param else f"{text}.", param=param or None) from None
                fits(self.watch, organization, changed)
                return changed

            try:
                bound = await self.watch.rulebook.change(organization, id, made, self._now_ms())
            except NameTaken as error:
                raise _conflict(error) from None
            if bound is None:
                raise _missing(id)
            return answer(self._shown(bound, request))

        return change_rule

    def delete(self) -> Any:
        @operation(
            "Delete a rule; its alerts are over at the next evaluation",
            access="organization_admin",
            across=True,
            tag=TAG,
            request=Nothing,
            responses={200: RuleDeleted, 404: None, 409: None},
        )
        @answering
        async def delete_rule(request: Request) -> Response:
            query_as(request, Nothing)
            bound = await self._own(request)
            if not await self.watch.rulebook.remove(bound.organization, bound.id):
                raise _missing(bound.id)
            return answer(RuleDeleted(id=bound.id))

        return delete_rule

    async def _of(self, request: Request) -> Bound:
        """One that watches the caller's organization; any other is not there."""
        id = request.path_params["id"]
        await self.watch.rulebook.refresh()
        found = self.watch.rulebook.find(id)
        if found is None or found not in self.watch.rulebook.watching(organization_of(request)):
            raise _missing(id)
        return found

    async def _own(self, request: Request) -> Bound:
        """One that the caller may change."""
        found = await self._of(request)
        if found.declared:
            message = f"The rule {found.rule.name!r} is declared in plugins.yaml, and can only be changed there."
            raise refused(message, status=409, code="declared")
        if found.organization != organization_of(request):
            raise refused(f"The rule {found.rule.name!r} is the gateway's own.", status=409, code="not_own")
        return found

    def _shown(self, bound: Bound, request: Request) -> RuleBody:
        """What is not known of another organization is that one's matter."""
        try:
            every = checks(bound, self.watch.gateway.metrics)[0].every
        except ValueError:
            every = bound.rule.every or MINUTELY
        unknown, whose = self.watch.evaluation.unknown, organization_of(request)
        mine = (
            why
            for (rule, of), why in unknown.items()
            if rule == bound.id and (whose == EVERY_ORGANIZATION or of in ("", whose))
        )
        return bodies.shown(bound, every, next(mine, None), self.watch.warning(bound))

    def _now_ms(self) -> int:
        return round(self.watch.now().timestamp() * 1000)


def _conflict(error: ValueError) -> Refused:
    code = "name_taken" if isinstance(error, NameTaken) else "too_many_rules"
    text = str(error)
    return refused(f"{text[0].upper()}{text[1:]}.", param="name", status=409, code=code)


def _missing(id: str) -> Refused:
    return refused(f"There is no rule {id[:80]!r}.", status=404, code="not_found")
