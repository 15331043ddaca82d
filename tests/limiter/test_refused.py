"""What was refused is refused again from memory, and no longer than it must be."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from cognitude_plugins.limiter.charge import Charge, Kind, State, Verdict
from cognitude_plugins.limiter.refused import Refused
from cognitude_plugins.limiter.rules import rule_of
from cognitude_plugins.limiter.settings import Limit

NOW = 1_800_000_000_000


def pair(unit: str = "requests", amount: int = 1) -> tuple[Any, Charge]:
    per = None if unit == "concurrency" else "minute"
    rule = rule_of(Limit(scope="organization", unit=unit, per=per, limit=Decimal(10)))  # type: ignore[arg-type]
    kind = Kind.LEASE if unit == "concurrency" else Kind.SLIDING
    return rule, Charge(subject="o", field=rule.field, kind=kind, limit=10, amount=amount, window=60_000)


def noted(unit: str = "requests", amount: int = 1, retry: int = 5000) -> tuple[Refused, Charge]:
    refused = Refused()
    rule, charge = pair(unit, amount)
    refused.note("acme", (rule,), (charge,), Verdict(NOW, [State(0, NOW + 9000, retry)], (0,)), 0, retry)
    return refused, charge


def test_a_refusal_holds_until_there_is_room() -> None:
    refused, charge = noted()
    assert refused.find("acme", (charge,), NOW + 4999) is not None
    assert refused.find("acme", (charge,), NOW + 5000) is None
    assert refused.find("acme", (charge,), NOW) is None


def test_it_is_asked_again_when_the_window_of_another_limit_is_over() -> None:
    """What was found in that one is told beside the refusal, and true no longer."""
    refused = Refused()
    rule, charge = pair()
    states = [State(0, NOW + 9000, 5000), State(3, NOW + 2000, 0)]
    other = replace(charge, field="other")
    refused.note("acme", (rule, rule), (charge, other), Verdict(NOW, states, (0,)), 0, 5000)
    assert refused.find("acme", (charge,), NOW + 1999) is not None
    assert refused.find("acme", (charge,), NOW + 2000) is None


def test_what_is_told_counts_down() -> None:
    refused, charge = noted()
    found = refused.find("acme", (charge,), NOW + 1500)
    assert found is not None
    told = found.answer((charge,), NOW + 1500)
    assert (told.headers["retry-after"], told.headers["retry-after-ms"]) == ("4", "3500")
    assert told.headers["x-ratelimit-reset-requests"] == "7.5s"
    assert told.headers["ratelimit"].endswith("t=8")
    later = found.answer((charge,), NOW + 1501)
    assert later.headers["retry-after-ms"] == "3499"
    assert later.payload is told.payload


def test_calls_that_come_together_get_the_same() -> None:
    refused, charge = noted()
    found, charges = refused.find("acme", (charge,), NOW), (charge,)
    assert found is not None
    assert found.answer(charges, NOW) is found.answer(charges, NOW)
    of_ann = (charge, replace(charge, subject="u:ann"))
    assert found.answer(of_ann, NOW) is not found.answer(charges, NOW)


def test_it_is_of_one_organization() -> None:
    refused, charge = noted()
    assert refused.find("other", (charge,), NOW) is None


def test_what_asks_for_less_may_fit_and_is_asked_about() -> None:
    refused, _ = noted("tokens", amount=8)
    assert refused.find("acme", (pair("tokens", 8)[1],), NOW + 100) is not None
    assert refused.find("acme", (pair("tokens", 7)[1],), NOW + 100) is None


def test_what_is_given_back_to_is_asked_again_soon() -> None:
    refused, charge = noted("tokens", amount=8)
    assert refused.find("acme", (charge,), NOW + 250) is None


def test_nobody_knows_when_a_call_under_way_ends() -> None:
    refused, charge = noted("concurrency")
    assert refused.find("acme", (charge,), NOW) is None


def test_of_a_refusal_only_what_is_common_is_told_to_another() -> None:
    refused = Refused()
    rule, charge = pair()
    of_ann = Charge(subject="u:ann", field="f", kind=Kind.SLIDING, limit=10, amount=1, window=60_000)
    states = [State(0, NOW, 5000), State(3, NOW, 0)]
    refused.note("acme", (rule, rule), (charge, of_ann), Verdict(NOW, states, (0,)), 0, 5000)
    found = refused.find("acme", (charge,), NOW)
    assert found is not None
    rules, verdict = found.shared_with((charge,))
    assert (len(rules), list(verdict.states)) == (1, states[:1])


def test_everything_can_be_forgotten() -> None:
    refused, charge = noted()
    refused.forget()
    assert refused.find("acme", (charge,), NOW) is None


def test_what_is_kept_is_bounded() -> None:
    refused = Refused()
    rule, _ = pair()
    for number in range(60_000):
        charge = Charge(subject=f"u:{number}", field="f", kind=Kind.SLIDING, limit=1, amount=1, window=60_000)
        refused.note("acme", (rule,), (charge,), Verdict(NOW, [State(0, NOW, 5000)], (0,)), 0, 5000)
    assert len(refused._kept) <= 50_000
