"""Roles, kinds of keys and access classes: a table."""

from __future__ import annotations

from typing import get_args

import pytest

from cognitude_plugins.gateway.access import FOREIGN, NO_ORGANIZATION, WHICH, may_call, permitted
from hooks import Access, Caller, Operation, Reply, Role

CALLERS = {
    **{role: Caller(organization="acme", key="k", role=role) for role in get_args(Role)},
    "gateway": Caller(organization="", key="g", role="admin", admin=True),
}
ALLOWED = {
    "organization": {"viewer", "member", "admin"},
    "member": {"member", "admin"},
    "organization_admin": {"admin"},
    "admin": {"gateway"},
}


def asked(who: str, access: Access, query: bytes = b"", *, across: bool = False) -> Caller | Reply:
    return permitted(CALLERS[who], Operation(summary="", access=access, across=across), query)


def test_the_table_has_every_class_and_every_kind_of_caller() -> None:
    assert set(ALLOWED) == set(get_args(Access)) - {"public"}
    assert set(CALLERS) == {"viewer", "member", "admin", "gateway"}


@pytest.mark.parametrize("access", sorted(ALLOWED))
@pytest.mark.parametrize("who", sorted(CALLERS))
def test_only_the_roles_of_a_class_are_let_in(who: str, access: Access) -> None:
    found = asked(who, access)
    assert isinstance(found, Caller) is (who in ALLOWED[access])
    if isinstance(found, Reply):
        assert found.status == (400 if who == "gateway" else 403)


@pytest.mark.parametrize("access", ["organization", "member", "organization_admin"])
def test_a_gateway_admin_acts_for_the_organization_he_names(access: Access) -> None:
    found = asked("gateway", access, b"organization=globex&limit=3")
    assert found == Caller(organization="globex", key="g", role="admin", admin=True)


@pytest.mark.parametrize("query", [b"organization=a&organization=b", b"organization=", b"limit=3", b""])
def test_a_gateway_admin_names_exactly_one(query: bytes) -> None:
    assert asked("gateway", "organization", query) is WHICH


@pytest.mark.parametrize("name", [b"%00", b"a%00", b"%ff", b"a%0a", b"%20a", b"x" * 129])
def test_what_cannot_be_an_organization_is_not_looked_for(name: bytes) -> None:
    """PostgreSQL cannot even read a NUL."""
    assert asked("gateway", "organization", b"organization=" + name, across=True) is NO_ORGANIZATION


def test_a_gateway_admin_may_ask_across_all_where_an_endpoint_can_answer_that() -> None:
    assert asked("gateway", "organization", across=True) == CALLERS["gateway"]
    assert asked("gateway", "organization", b"organization=", across=True) is WHICH


@pytest.mark.parametrize("query", [b"organization=globex", b"organization=acme&organization=globex", b"organization="])
def test_another_organization_does_not_exist_for_a_key_of_one(query: bytes) -> None:
    assert asked("admin", "organization_admin", query) is FOREIGN
    assert asked("viewer", "organization", query, across=True) is FOREIGN


def test_to_name_ones_own_organization_changes_nothing() -> None:
    assert asked("viewer", "organization", b"organization=acme") == CALLERS["viewer"]


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("member", None), ("admin", None), ("gateway", 403)])
def test_model_calls_are_for_members_of_an_organization(who: str, status: int | None) -> None:
    refused = may_call(CALLERS[who])
    assert (None if refused is None else refused.status) == status
