"""Evaluations: which rules are due, what they say, what becomes of those that fail or are gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.rules.evaluation import Evaluation
from cognitude_plugins.alert_channels.rules.rulebook import Rulebook
from hooks import Database, Metric, Sums, Unavailable
from hooks.testing import FakeLedger
from tests.alert_channels.lifecycle.watched import at, lifecycle, sent, standing, target
from tests.alert_channels.rules.evaluated import Watched, bound, calls
from tests.borrowed import Tables

MINUTE = timedelta(minutes=1)
OPS = (target(organization="*"),)


@pytest.fixture
def database(each_database: Any, tmp_path: Path) -> Database:
    return Tables(each_database, tmp_path, plugin).lent()


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database=database, targets=OPS)


async def run(watched: Watched, *minutes: float) -> None:
    """Each evaluation twice, the second time by a process that has just started."""
    for minute in minutes:
        await watched.evaluation.run(at(minute) + timedelta(seconds=7))
        await watched.another().run(at(minute))


async def told(watched: Watched) -> list[tuple[str, str, float]]:
    return [(kind, title, minute) for _, kind, title, minute in await sent(watched.database)]


async def test_a_rule_for_everybody_watches_each_organization_apart(watched: Watched) -> None:
    watched.rules.append(bound())
    watched.ledger.add(*calls(at(0.5), 4), *calls(at(0.5), 3, organization="globex"))
    watched.ledger.add(*calls(at(0.5), 5, status=500), *calls(at(0.5), 1, organization="globex", status=500))
    await run(watched, 1)
    assert await told(watched) == [("firing", "watched: error_rate is 55.6 % (> 50 %, 5m)", 1)]
    assert [key.organization for key in await standing(watched.life, "rules")] == ["acme"]
    await run(watched, 2, 3, 4, 5, 6, 7)
    assert len(await told(watched)) == 1, "what nobody calls has no error rate"
    watched.ledger.add(*calls(at(7.5)))
    await run(watched, 8)
    assert (await told(watched))[1] == ("resolved", "Resolved: watched: error_rate is 0 % (> 50 %, 5m)", 8)


async def test_together_they_are_one_subject(watched: Watched) -> None:
    watched.rules.append(bound(scope="all", metric="calls", threshold=5))
    watched.ledger.add(*calls(at(0.5), 3), *calls(at(0.5), 3, organization="globex"))
    await run(watched, 1)
    assert [key.organization for key in await standing(watched.life, "rules")] == ["*"]
    assert [title for _, title, _ in await told(watched)] == ["watched: calls is 6 (> 5, 5m)"]


async def test_of_whom_nobody_wants_to_know_nothing_is_read(database: Database) -> None:
    """Rules that ask the same share one reading, of all of theirs."""
    asked: list[tuple[Any, ...]] = []

    class Noting(FakeLedger):
        async def usage(self, organization: str, **question: Any) -> tuple[Sums, ...]:
            among = question.get("among")
            asked.append((organization, question["since"], among and set(among)))
            return await super().usage(organization, **question)

    watched = Watched(database=database, targets=OPS, ledger=Noting())
    watched.rules += [bound("acme", name="mine", metric="calls", threshold=0)]
    watched.rules += [bound("acme", name="daily", metric="daily_cost", threshold=0, every="1m")]
    watched.ledger.add(*calls(at(0.5), 3, cost_nano_usd=1), *calls(at(0.5), 3, organization="globex"))
    await watched.evaluation.run(at(1))
    midnight = at(0).replace(hour=0) - timedelta(hours=1)
    assert sorted(asked, key=lambda one: one[1]) == [("*", midnight, {"acme"}), ("*", at(-4), {"acme"})]
    assert {key.rule for key in await standing(watched.life, "rules")} == {"rule_mine", "rule_daily"}
    asked.clear()
    watched.rules.append(bound("globex", name="theirs", metric="calls", threshold=0))
    await watched.evaluation.run(at(2))
    assert ("*", at(-3), None) in asked


async def test_each_filter_is_a_reading_of_its_own(watched: Watched) -> None:
    watched.rules += [
        bound(name=name, metric="calls", threshold=0, filters=filters)
        for name, filters in {
            "model": {"model": "small"},
            "both": {"model": "small", "provider": "simulated"},
            "key": {"key": "key-2"},
            "tag": {"tag": "team=blue", "model": "large"},
            "none": {"tag": "team=red"},
        }.items()
    ]
    watched.ledger.add(*calls(at(0), model="small"), *calls(at(0), key="key-2", model="x"))
    watched.ledger.add(*calls(at(0), model="large", tags={"team": "blue", "a": "b"}))
    await run(watched, 1)
    assert {key.rule for key in await standing(watched.life, "rules")} == {
        "rule_model",
        "rule_both",
        "rule_key",
        "rule_tag",
    }


async def test_costs_are_looked_at_hourly_in_the_days_of_each_zone(watched: Watched) -> None:
    """12:00 in UTC is 13:00 in Berlin and 7:00 in New York."""
    watched.rules.append(bound(metric="daily_cost", threshold=10))
    paid = {"cost_nano_usd": 6_000_000_000}
    watched.ledger.add(*calls(at(-8 * 60), **paid), *calls(at(1), **paid))
    watched.ledger.add(*calls(at(-8 * 60), organization="globex", **paid), *calls(at(1), organization="globex", **paid))
    await run(watched, *range(0, 130, 10))
    assert await told(watched) == [("firing", "watched: daily_cost is $12.00 (> $10.00, this day)", 60)]
    await run(watched, 11 * 60)
    assert len(await told(watched)) == 1, "at midnight it is still of the day that ends"
    await run(watched, 12 * 60)
    assert (await told(watched))[1][::2] == ("resolved", 12 * 60)


async def test_an_hourly_rule_whose_minute_nobody_evaluated_is_looked_at_in_the_next(watched: Watched) -> None:
    watched.rules.append(bound(metric="daily_cost", threshold=1))
    watched.ledger.add(*calls(at(-1), cost_nano_usd=2_000_000_000))
    await run(watched, -2, 3)
    assert [minute for *_, minute in await told(watched)] == [3]


async def test_a_rule_whose_reading_fails_is_not_known_and_stops_no_other(database: Database) -> None:
    class Failing(FakeLedger):
        away = True

        async def usage(self, organization: str, **asked: Any) -> tuple[Sums, ...]:
            if self.away and "model" in asked["group_by"]:
                raise Unavailable("the database does not answer")
            return await super().usage(organization, **asked)

    watched = Watched(database=database, targets=OPS, ledger=Failing())
    watched.rules += [bound(filters={"model": "sim"}, every="1h"), bound(name="other")]
    watched.ledger.add(*calls(at(-0.5), status=500))
    await watched.evaluation.run(at(0))
    assert {key.rule for key in await standing(watched.life, "rules")} == {"rule_other"}
    why = watched.evaluation.unknown["rule_watched", "acme"]
    assert why == ("the database does not answer", at(0))
    await watched.evaluation.run(at(1))
    assert watched.evaluation.unknown["rule_watched", "acme"] == why
    watched.ledger.away = False
    await watched.another().run(at(2))
    await watched.evaluation.run(at(3))
    assert watched.evaluation.unknown == {}
    assert "rule_watched" in {key.rule for key in await standing(watched.life, "rules")}, "an hour need not pass"


async def test_metrics_of_other_plugins_are_watched(watched: Watched) -> None:
    asked = []

    async def forecast(organization: str, when: datetime) -> float | None:
        asked.append((organization, when))
        if organization == "globex":
            raise Unavailable("no")
        return 120.0

    watched.metrics["forecast"] = Metric(name="forecast", description="", unit="usd", read=forecast)

    def broken(sums: Sums) -> float:
        raise Unavailable("it failed")

    watched.metrics["broken"] = Metric(name="broken", description="", unit="count", of=broken)
    watched.metrics["slow"] = Metric(
        name="slow", description="", unit="seconds", of=lambda sums: sums.seconds[2], latencies=True
    )
    watched.rules += [
        bound(name="a", metric="forecast", threshold=100),
        bound(name="b", metric="forecast", threshold=200),
        bound(name="c", metric="slow", threshold=1),
        bound(name="d", metric="latency_p50", threshold=1),
        bound("acme", name="e", metric="broken", threshold=1),
    ]
    watched.ledger.add(*calls(at(-0.5), 97), *calls(at(-0.5), 3, seconds=3.0))
    await watched.evaluation.run(at(0))
    assert sorted(asked) == [("acme", at(0)), ("globex", at(0))]
    assert sorted(title for _, title, _ in await told(watched)) == [
        "a: forecast is $120.00 (> $100.00)",
        "c: slow is 3 s (> 1 s, 5m)",
    ]
    assert set(watched.evaluation.unknown) == {("rule_a", "globex"), ("rule_b", "globex"), ("rule_e", "acme")}


async def test_alerts_of_a_rule_that_is_gone_are_over(watched: Watched) -> None:
    watched.rules += [bound(), bound(name="unready", metric="score", threshold=0)]
    watched.metrics["score"] = Metric(name="score", description="", unit="score", of=lambda sums: 1.0)
    watched.ledger.add(*calls(at(-0.5), status=500))
    await run(watched, 0)
    assert len(await standing(watched.life, "rules")) == 2
    del watched.metrics["score"], watched.rules[0]
    await run(watched, 1)
    assert {key.rule for key in await standing(watched.life, "rules")} == {"rule_unready"}
    assert [kind for kind, *_ in await told(watched)] == ["firing", "firing", "resolved"]


async def test_an_objective_fires_for_each_pair_of_windows_in_which_its_budget_burns(watched: Watched) -> None:
    """Six of 106 calls in an hour, of 606 in six, of 7 206 in three days; one in a thousand may fail."""
    watched.rules.append(bound(slo={"objective": 0.999}))
    for hour in range(-72, 0):
        watched.ledger.add(*calls(at(60 * hour + 57), 100))
    watched.ledger.add(*calls(at(-20), 3, status=500))
    await run(watched, 0)
    assert await told(watched) == [], "nothing has failed in the last five minutes"
    watched.ledger.add(*calls(at(0.5), 3, status=500))
    await run(watched, 1)
    found = (await standing(watched.life, "rules")).values()
    assert {(one.subject, one.severity, one.title) for one in found} == {
        ("1h/5m", "critical", "watched: burn rate is 56.6x (> 14.4x, 1h and 5m)"),
        ("6h/30m", "critical", "watched: burn rate is 9.9x (> 6x, 6h and 30m)"),
    }
    assert [title for _, title, _ in await told(watched)] == ["2 alerts of watched"]


async def test_of_latencies_the_budget_is_of_slow_calls(watched: Watched) -> None:
    slo = {"objective": 0.9, "of": "latency", "seconds": 1, "windows": [["1h", "5m", 2, "warning"]]}
    watched.rules.append(bound(slo=slo))
    watched.ledger.add(*calls(at(-1), 79), *calls(at(-1), 18, seconds=2.0))
    await run(watched, 0)
    assert await told(watched) == []
    watched.ledger.add(*calls(at(0), 5, seconds=2.0))
    await run(watched, 1)
    assert [title for _, title, _ in await told(watched)] == ["watched: latency_p80 is 2 s (> 1 s, 1h and 5m)"]


async def test_an_evaluation_that_comes_late_is_left_out(watched: Watched) -> None:
    watched.rules.append(bound())
    watched.ledger.add(*calls(at(2.5), status=500))
    await run(watched, 3)
    await run(watched, 2)
    assert [kind for kind, *_ in await told(watched)] == ["firing"]


async def test_alerts_of_rules_that_could_not_be_read_yet_are_not_over(watched: Watched) -> None:
    class Hiccup:
        async def read(self, *asked: Any, **how: Any) -> Any:
            raise Unavailable("the database does not answer")

        write = read

    watched.rules.append(bound())
    watched.ledger.add(*calls(at(-0.5), status=500))
    await run(watched, 0)
    rulebook = Rulebook((), Hiccup())
    await rulebook.refresh()
    with pytest.raises(Unavailable, match="have not been read yet"):
        await Evaluation(watched.world, watched.life, rulebook.certain).run(at(1))
    assert len(await standing(watched.life, "rules")) == 1


async def test_what_was_not_written_to_its_end_is_looked_at_again_by_whoever_is_next(database: Database) -> None:
    """A hundred changes are one transaction; the second does not come to pass."""

    class Breaking:
        left = 1

        async def read(self, *asked: Any, **how: Any) -> Any:
            return await database.read(*asked, **how)

        async def write(self, *asked: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Unavailable("the database does not answer")
            return await database.write(*asked)

    watched = Watched(database=database, targets=OPS)
    watched.rules += [bound("acme", name=f"r{number}", every="1h") for number in range(110)]
    watched.ledger.add(*calls(at(-0.5), status=500))
    life = lifecycle(Breaking(), OPS)
    with pytest.raises(Unavailable):
        await Evaluation(watched.world, life, lambda: watched.rules).run(at(0))
    assert 0 < len(await standing(watched.life, "rules")) < 110
    for minute in (1, 2):
        await watched.another().run(at(minute))
        assert len(await standing(watched.life, "rules")) == 110
    assert (await watched.life.look("rules", at(2))).again == frozenset()
