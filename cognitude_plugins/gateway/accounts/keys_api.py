"""``/admin/keys``: the keys of an organization for its admins, every key for gateway admins; a secret is told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import operation
from hooks.endpoint import body_as

from . import keys
from .answers import answer, answering
from .bodies import KeyChange, Listing, NewKeyBody, Rotation, new_key
from .objects import KeyBody, KeyList, SecretKeyBody, key_body, list_body
from .records import Key
from .refusals import invalid
from .requests import id_of, organization_for, page_of
from .times import milliseconds
from .tokens import Token
from .transactions import Transactions

_PATH = "/admin/keys"
_ONE = f"{_PATH}/{{id}}"
_TAG = "Accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysApi:
    transactions: Transactions

    def routes(self) -> list[BaseRoute]:
        return [
            Route(_PATH, self.create(), methods=["POST"]),
            Route(_PATH, self.listing(), methods=["GET"]),
            Route(_ONE, self.show(), methods=["GET"]),
            Route(_ONE, self.change(), methods=["PATCH"]),
            Route(_ONE, self.revoke(), methods=["DELETE"]),
            Route(f"{_ONE}/rotate", self.rotate(), methods=["POST"]),
        ]

    def create(self) -> Any:
        @operation(
            "Make a key; its secret is in this answer and nowhere else",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=NewKeyBody,
            responses={201: SecretKeyBody, 403: None, 404: None, 409: None, 422: None},
        )
        @answering
        async def create_key(request: Request) -> Response:
            body = await body_as(request, NewKeyBody, secret=True)
            new = new_key(body, _organization(request, body))
            secrets = self.transactions.secrets
            made, token = await self.transactions.change(
                request, lambda connection, actor, now_ms: keys.create(connection, actor, secrets, new, now_ms)
            )
            return self._answer(made, 201, token)

        return create_key

    def listing(self) -> Any:
        @operation(
            "List the keys, revoked ones too",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=Listing,
            responses={200: KeyList},
        )
        @answering
        async def list_keys(request: Request) -> Response:
            page, now_ms = page_of(request), self.transactions.now_ms()
            found, more = await self.transactions.read(
                request, lambda connection, actor, _: keys.listed(connection, actor, page)
            )
            return answer(list_body((key_body(one, now_ms) for one in found), more))

        return list_keys

    def show(self) -> Any:
        @operation("Show a key", access="organization_admin", across=True, tag=_TAG, responses={200: KeyBody})
        @answering
        async def show_key(request: Request) -> Response:
            id = id_of(request)
            found = await self.transactions.read(request, lambda connection, actor, _: keys.find(connection, actor, id))
            return self._answer(found)

        return show_key

    def change(self) -> Any:
        @operation(
            "Change what a key may do, until when, and its labels",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=KeyChange,
            responses={200: KeyBody, 403: None, 409: None, 422: None},
        )
        @answering
        async def change_key(request: Request) -> Response:
            id, body = id_of(request), await body_as(request, KeyChange, secret=True)
            values = body.model_dump(exclude_unset=True)
            if "expires_at" in values:
                values["expires_ms"] = milliseconds(body.expires_at)
            changed = await self.transactions.change(
                request, lambda connection, actor, now_ms: keys.change(connection, actor, id, values, now_ms)
            )
            return self._answer(changed)

        return change_key

    def revoke(self) -> Any:
        @operation(
            "Revoke a key for ever",
            access="organization_admin",
            across=True,
            tag=_TAG,
            responses={200: KeyBody, 409: None},
        )
        @answering
        async def revoke_key(request: Request) -> Response:
            id = id_of(request)
            revoked = await self.transactions.change(
                request, lambda connection, actor, now_ms: keys.revoke(connection, actor, id, now_ms)
            )
            return self._answer(revoked)

        return revoke_key

    def rotate(self) -> Any:
        @operation(
            "Give a key a new secret, which is in this answer and nowhere else",
            access="organization_admin",
            across=True,
            tag=_TAG,
            request=Rotation,
            responses={200: SecretKeyBody, 403: None, 409: None},
        )
        @answering
        async def rotate_key(request: Request) -> Response:
            id, body = id_of(request), await body_as(request, Rotation, secret=True)
            secrets = self.transactions.secrets
            rotated, token = await self.transactions.change(
                request,
                lambda connection, actor, now_ms: keys.rotate(
                    connection, actor, secrets, id, now_ms, body.overlap_seconds
                ),
            )
            return self._answer(rotated, token=token)

        return rotate_key

    def _answer(self, key: Key, status: int = 200, token: Token | None = None) -> Response:
        return answer(key_body(key, self.transactions.now_ms(), None if token is None else token.text), status)


def _organization(request: Request, body: NewKeyBody) -> str | None:
    if body.kind == "organization":
        return organization_for(request, body.organization)
    if body.organization is not None:
        raise invalid("organization", "A gateway-admin key belongs to no organization: leave it out.")
    return None
