"""Sums of calls priced as the single calls would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.analytics.recommendations.pricing import Prices, Tokens
from hooks import Usage
from tests.analytics.street import shop

CALLS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=30)


@given(calls=CALLS)
def test_the_sum_of_calls_costs_what_they_cost_one_by_one(calls: list[tuple[int, int, int]]) -> None:
    prices = Prices.at(shop())
    usages = [Usage(prompt_tokens=p, completion_tokens=c, cached_tokens=min(k, p)) for p, c, k in calls]
    one_by_one = sum(prices.gateway.cost(prices.deployments["large"], usage) or 0 for usage in usages)
    names = ("prompt_tokens", "completion_tokens", "cached_tokens")
    sums = [sum(getattr(usage, name) for usage in usages) for name in names]
    assert prices.cost("large", Tokens(len(calls), *sums)) == one_by_one


def test_what_is_not_known_is_not_nothing() -> None:
    assert Prices.at(shop(prices={})).cost("large", Tokens(1, 1, 1)) is None
    assert Prices.at(shop()).cost("gone", Tokens(1, 1, 1)) is None
    assert Prices.at(shop()).cost("large", Tokens(0, 0, 0)) == 0
