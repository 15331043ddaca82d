"""What a caller may do: the one place where roles, kinds of keys and access classes meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs

from hooks import Access, Caller, Operation, Reply, Role

from .accounts.records import is_id

_RANKS: Final[Mapping[Role, int]] = {"viewer": 0, "member": 1, "admin": 2}
_NEEDED: Final[Mapping[Access, Role]] = {"organization": "viewer", "member": "member", "organization_admin": "admin"}
_PARAMETER: Final = "organization"

NOT_ADMIN: Final = Reply.error(
    403, "This endpoint needs a gateway-admin key.", type="permission_error", code="admin_required"
)
NO_CALLS: Final = Reply.error(
    403,
    "This is a gateway-admin key, which makes no model calls; use a key of an organization.",
    type="permission_error",
    code="organization_key_required",
)
WHICH: Final = Reply.error(
    400,
    "A gateway-admin key says which organization it acts for: add ?organization=… to the URL, once.",
    code="organization_required",
    param=_PARAMETER,
)
FOREIGN: Final = Reply.error(404, "There is no such object.", code="not_found")
"""Of what is another organization's, and of what does not exist."""
NO_ORGANIZATION: Final = Reply.error(404, "There is no such organization.", code="not_found", param=_PARAMETER)
"""To a gateway admin, who may know."""


def permitted(caller: Caller, operation: Operation, query: bytes) -> Caller | Reply:
    """The caller as the endpoint is to see it, or the refusal.

    ``?organization=`` says for which organization a gateway admin acts; on a key of an organization it changes nothing.
    """
    if operation.access == "admin":
        return caller if caller.admin else NOT_ADMIN
    named = parse_qs(query.decode("latin-1"), keep_blank_values=True).get(_PARAMETER, []) if query else []
    if caller.admin:
        return _acting(caller, named, operation)
    if any(name != caller.organization for name in named):
        return FOREIGN
    return _in_role(caller, operation.access)


def may_call(caller: Caller) -> Reply | None:
    """The refusal of a model call, or None."""
    if caller.admin:
        return NO_CALLS
    refused = _in_role(caller, "member")
    return refused if isinstance(refused, Reply) else None


def _acting(caller: Caller, named: list[str], operation: Operation) -> Caller | Reply:
    if not named and operation.across:
        return caller
    if len(named) != 1 or not named[0]:
        return WHICH
    if not is_id(named[0]):
        return NO_ORGANIZATION
    return replace(caller, organization=named[0])


def _in_role(caller: Caller, access: Access) -> Caller | Reply:
    needed = _NEEDED[access]
    if _RANKS[caller.role] >= _RANKS[needed]:
        return caller
    message = f"This needs a key of role {needed} or above; this one's role is {caller.role}."
    return Reply.error(403, message, type="permission_error", code="role_required")
