"""``/admin/organizations``: made and changed by gateway admins; an organization's own admins see theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import body_as

from . import organizations
from .answers import answer, answering
from .bodies import Listing, NewOrganization, OrganizationChange
from .objects import OrganizationBody, OrganizationList, list_body, organization_body
from .requests import id_of, page_of
from .transactions import Transactions

_PATH = "/admin/organizations"
_ONE = f"{_PATH}/{{id:path}}"
_TAG = "Accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationsApi:
    transactions: Transactions

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_PATH, self.create(), methods=["POST"]),
            Route(_PATH, self.listing(), methods=["GET"]),
            Route(_ONE, self.show(), methods=["GET"]),
            Route(_ONE, self.change(), methods=["PATCH"]),
            Route(_ONE, self.disable(), methods=["DELETE"]),
        ]

    def create(self) -> Any:
        @operation(
            "Make an organization",
            access="admin",
            tag=_TAG,
            request=NewOrganization,
            responses={201: OrganizationBody, 409: None},
        )
        @answering
        async def create_organization(request: Request) -> Response:
            body = await body_as(request, NewOrganization)
            made = await self.transactions.change(
                request,
                lambda connection, _, now_ms: organizations.create(
                    connection, name=body.name, id=body.id, time_zone=body.time_zone, now_ms=now_ms
                ),
            )
            return answer(organization_body(made), 201)

        return create_organization

    def listing(self) -> Any:
        @operation(
            "List the organizations", access="admin", tag=_TAG, request=Listing, responses={200: OrganizationList}
        )
        @answering
        async def list_organizations(request: Request) -> Response:
            page = page_of(request)
            found, more = await self.transactions.read(
                request, lambda connection, actor, _: organizations.listed(connection, actor, page)
            )
            return answer(list_body(map(organization_body, found), more))

        return list_organizations

    def show(self) -> Any:
        @operation(
            "Show an organization",
            access="organization_admin",
            across=True,
            tag=_TAG,
            responses={200: OrganizationBody},
        )
        @answering
        async def show_organization(request: Request) -> Response:
            id = id_of(request)
            found = await self.transactions.read(
                request, lambda connection, actor, _: organizations.find(connection, actor, id)
            )
            return answer(organization_body(found))

        return show_organization

    def change(self) -> Any:
        @operation(
            "Rename an organization, or disable or enable it",
            access="admin",
            tag=_TAG,
            request=OrganizationChange,
            responses={200: OrganizationBody},
        )
        @answering
        async def change_organization(request: Request) -> Response:
            body = await body_as(request, OrganizationChange)
            return await self._changed(request, body.model_dump(exclude_unset=True))

        return change_organization

    def disable(self) -> Any:
        @operation(
            "Disable an organization: its keys are refused, its rows in the ledger stay",
            access="admin",
            tag=_TAG,
            responses={200: OrganizationBody},
        )
        @answering
        async def disable_organization(request: Request) -> Response:
            return await self._changed(request, {"status": "disabled"})

        return disable_organization

    async def _changed(self, request: Request, values: dict[str, Any]) -> Response:
        id = id_of(request)
        changed = await self.transactions.change(
            request, lambda connection, actor, _: organizations.change(connection, actor, id, values)
        )
        return answer(organization_body(changed))
