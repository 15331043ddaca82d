"""What an account endpoint was asked, beside its body."""

from __future__ import annotations

from starlette.requests import Request

from hooks.endpoint import query_as

from .bodies import Listing
from .page import Page
from .refusals import invalid


def page_of(request: Request) -> Page:
    """Raises `Refused` with 400."""
    query = query_as(request, Listing)
    return Page(limit=query.limit, after=query.after)


def id_of(request: Request) -> str:
    id: str = request.path_params["id"]
    return id


def organization_for(request: Request, named: str | None) -> str:
    """In which organization something is to be made: the one the body names, else the caller's. Raises `Refusal`."""
    organization: str = named or request.state.caller.organization
    if not organization:
        raise invalid("organization", "Say which organization it is for.")
    return organization
