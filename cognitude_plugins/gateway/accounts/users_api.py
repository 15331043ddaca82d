"""``/admin/users``: the users of an organization, for its admins and for gateway admins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import body_as

from . import users
from .answers import answer, answering
from .bodies import Listing, NewUser, UserChange
from .objects import UserBody, UserList, list_body, user_body
from .requests import id_of, organization_for, page_of
from .transactions import Transactions

_PATH = "/admin/users"
_ONE = f"{_PATH}/{{id}}"
_TAG = "Accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersApi:
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
            "Make a user",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=NewUser,
            responses={201: UserBody, 404: None, 409: None, 422: None},
        )
        @answering
        async def create_user(request: Request) -> Response:
            body = await body_as(request, NewUser)
            organization = organization_for(request, body.organization)
            made = await self.transactions.change(
                request,
                lambda connection, actor, now_ms: users.create(
                    connection, actor, organization=organization, name=body.name, role=body.role, now_ms=now_ms
                ),
            )
            return answer(user_body(made), 201)

        return create_user

    def listing(self) -> Any:
        @operation(
            "List the users",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=Listing,
            responses={200: UserList},
        )
        @answering
        async def list_users(request: Request) -> Response:
            page = page_of(request)
            found, more = await self.transactions.read(
                request, lambda connection, actor, _: users.listed(connection, actor, page)
            )
            return answer(list_body(map(user_body, found), more))

        return list_users

    def show(self) -> Any:
        @operation("Show a user", access="organization_admin", across=True, tag=_TAG, responses={200: UserBody})
        @answering
        async def show_user(request: Request) -> Response:
            id = id_of(request)
            found = await self.transactions.read(
                request, lambda connection, actor, _: users.find(connection, actor, id)
            )
            return answer(user_body(found))

        return show_user

    def change(self) -> Any:
        @operation(
            "Change a user's role, or disable or enable him",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=UserChange,
            responses={200: UserBody, 403: None},
        )
        @answering
        async def change_user(request: Request) -> Response:
            body = await body_as(request, UserChange)
            return await self._changed(request, body.model_dump(exclude_unset=True))

        return change_user

    def disable(self) -> Any:
        @operation(
            "Disable a user: his keys are refused",
            access="organization_admin",
            across=True,
            tag=_TAG,
            responses={200: UserBody},
        )
        @answering
        async def disable_user(request: Request) -> Response:
            return await self._changed(request, {"status": "disabled"})

        return disable_user

    async def _changed(self, request: Request, values: dict[str, Any]) -> Response:
        id = id_of(request)
        changed = await self.transactions.change(
            request, lambda connection, actor, _: users.change(connection, actor, id, values)
        )
        return answer(user_body(changed))
