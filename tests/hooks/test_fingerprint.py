"""What may be told of a prompt in the ledger."""

from __future__ import annotations

import pytest

from hooks import Fingerprint
from hooks.testing import make_call


@pytest.mark.parametrize("number", [-1, 2**53, 1.0, True, "1"])
def test_a_digest_is_a_number_that_the_ledger_takes(number: object) -> None:
    with pytest.raises(ValueError, match="request of a fingerprint is a whole number"):
        Fingerprint(request=number, shape=1)  # type: ignore[arg-type]


def test_a_prefix_has_a_length() -> None:
    with pytest.raises(ValueError, match="or neither"):
        Fingerprint(request=1, shape=1, prefix=1)


def test_a_call_records_nothing_else_as_one() -> None:
    call = make_call()
    with pytest.raises(TypeError, match="not tuple"):
        call.record(fingerprint=(1, 2))  # type: ignore[arg-type]
    assert not call.state
