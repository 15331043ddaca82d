"""What routers choose by, as a test says it is."""

from __future__ import annotations

from hooks import CAPABILITIES, Traits, Vitals
from hooks.testing import FakeVitals


def test_the_fake_is_what_it_stands_for() -> None:
    fake: Vitals = FakeVitals(state="open", error_rate=0.5)
    assert (fake.state, fake.error_rate, fake.in_flight, fake.seconds, fake.quantile(0.5)) == (
        "open",
        0.5,
        0,
        None,
        None,
    )


def test_unknown_is_not_no() -> None:
    known = Traits(capabilities=frozenset({"tools"}))
    assert [known.can("tools"), known.can("vision"), Traits().can("tools")] == [True, False, None]
    assert known.capabilities is not None
    assert known.capabilities <= CAPABILITIES
