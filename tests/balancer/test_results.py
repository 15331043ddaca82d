"""Arms beside their control."""

from __future__ import annotations

from cognitude_plugins.balancer.results import METRICS, ArmSums, Moments, compared


def sums(mean: float, n: int = 50, squares: float = 10.0) -> ArmSums:
    moments = {name: Moments(n=n, mean=mean, squares=squares) for name in METRICS[:3]}
    return ArmSums(users=n, calls=n * 4, errors=3, moments=moments)


def test_each_arm_is_compared_with_the_control_in_the_order_of_the_arms() -> None:
    first, control, last = compared(["b", "a", "c"], "a", {"a": sums(0.5), "b": sums(0.75)})
    assert [one.arm for one in (first, control, last)] == ["b", "a", "c"]
    cost = first.metrics["cost_usd"]
    assert (cost.mean, cost.difference) == (0.75, 0.25)
    assert cost.interval is not None
    assert cost.interval.low < 0.25 < cost.interval.high
    own = control.metrics["cost_usd"]
    assert (own.mean, own.difference, own.interval) == (0.5, None, None)
    assert (last.users, last.calls, last.metrics["cost_usd"].mean) == (0, 0, None)


def test_what_nobody_scored_has_no_mean() -> None:
    [arm] = compared(["a"], "a", {"a": sums(0.5)})
    assert arm.metrics["score"].mean is None


def test_one_user_has_a_mean_and_a_difference_but_no_interval() -> None:
    _, arm = compared(["a", "b"], "a", {"a": sums(0.5), "b": sums(0.75, n=1, squares=0.0)})
    assert [arm.metrics[name].interval for name in METRICS[:3]] == [None] * 3
    assert arm.metrics["error_rate"].difference == 0.25
