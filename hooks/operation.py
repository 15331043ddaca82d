"""What an HTTP endpoint says of itself: who may call it, and what it documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .call import Api

if TYPE_CHECKING:
    from pydantic import BaseModel

Access = Literal["public", "organization", "member", "organization_admin", "admin"]
"""Who is let in: anybody; any key of an organization; its keys of role member or above; its keys of role admin;
gateway-admin keys alone. For the three in the middle a gateway-admin key says which organization it acts for with
``?organization=…``.
"""

E_ = TypeVar("E_", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint's part in the OpenAPI document, and its access class.

    ``request`` and the values of ``responses`` are pydantic models, JSON Schemas, or None for no body. The ``request``
    of a GET, HEAD or DELETE describes its query parameters. A response whose keys contain a slash is a body per media
    type: ``{200: {"text/csv": {"type": "string"}}}``. A status of 400 or above given as None has the OpenAI error
    envelope.

    With ``serves`` the endpoint is a model call of that API, and takes the path of every other: authentication, the
    pipeline, the ledger, streams. The function that is marked is then no endpoint of Starlette's: it is given the
    request's body and returns the body that the pipeline is to have, or a `Reply` that refuses it. It must not block.

    With ``across`` a gateway-admin key may also come without naming an organization: the caller's
    ``organization`` is then empty, and the endpoint answers for all of them.
    """

    summary: str
    access: Access
    across: bool = False
    tag: str = ""
    serves: Api | None = None
    request: type[BaseModel] | Mapping[str, Any] | None = None
    responses: Mapping[int, type[BaseModel] | Mapping[str, Any] | None] = field(default_factory=dict)


def operation(
    summary: str,
    *,
    access: Access,
    across: bool = False,
    tag: str = "",
    serves: Api | None = None,
    request: type[BaseModel] | Mapping[str, Any] | None = None,
    responses: Mapping[int, type[BaseModel] | Mapping[str, Any] | None] | None = None,
) -> Callable[[E_], E_]:
    """Mark an endpoint function. An endpoint without it is refused at start-up: access is never a default.

    Inside the endpoint ``request.state.caller`` is the `Caller` whose key was accepted (not for ``public``).
    """
    described = Operation(
        summary=summary,
        access=access,
        across=across,
        tag=tag,
        serves=serves,
        request=request,
        responses=responses or {},
    )

    def mark(endpoint: E_) -> E_:
        endpoint.__cognitude_operation__ = described  # type: ignore[attr-defined]
        return endpoint

    return mark


def operation_of(endpoint: object) -> Operation | None:
    """What `operation` said of this endpoint, or None."""
    found = getattr(endpoint, "__cognitude_operation__", None)
    return found if isinstance(found, Operation) else None
