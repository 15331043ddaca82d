"""What an endpoint says of itself."""

from __future__ import annotations

import pytest

from hooks import Operation, operation
from hooks.operation import operation_of


def test_the_mark_says_who_may_call_and_leaves_the_function_alone() -> None:
    async def spend(request: object) -> str:
        return "spent"

    marked = operation("Spend by day", access="organization", tag="analytics", responses={200: {"type": "object"}})(
        spend
    )
    assert marked is spend
    assert operation_of(marked) == Operation(
        summary="Spend by day", access="organization", tag="analytics", responses={200: {"type": "object"}}
    )


def test_an_endpoint_that_says_nothing_has_no_operation() -> None:
    assert operation_of(lambda request: None) is None
    assert operation_of(None) is None


def test_access_is_never_a_default() -> None:
    with pytest.raises(TypeError, match="access"):
        operation("Spend by day")  # type: ignore[call-arg]
