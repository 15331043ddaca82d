"""How slow a deployment's answers are."""

from __future__ import annotations

from cognitude_plugins.complexity_router.latencies import Latencies
from hooks.testing import FakeVitals

from .places import LARGE, SMALL, gateway


def test_it_is_asked_once_a_second() -> None:
    now = [0.0]
    lent = gateway(fake_vitals={"large": FakeVitals(at=2.0)})
    one = Latencies(lent, clock=lambda: now[0])
    assert (one.slow(LARGE), one.slow(SMALL)) == (2.0, None)
    lent.fake_vitals["large"] = FakeVitals(at=5.0)
    assert one.slow(LARGE) == 2.0
    now[0] = 1.0
    assert one.slow(LARGE) == 5.0
