"""What plugins offer each other: by name, each once, and of the right kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pluggy
import pytest

from cognitude_plugins.gateway.offers import offered
from hooks import Metric, Part, PluginError, Section, Sums, Unavailable, hookimpl, spec

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def manager(*plugins: object) -> pluggy.PluginManager:
    made = pluggy.PluginManager(spec.PROJECT)
    made.add_hookspecs(spec)
    for number, plugin in enumerate(plugins):
        made.register(plugin, name=f"plugin-{number}")
    return made


def metric(name: str) -> Metric:
    return Metric(name=name, description="One.", unit="count", of=lambda sums: sums.calls)


async def nothing(organization: str, since: datetime, until: datetime) -> Sequence[Part]:
    return ()


class Offering:
    def __init__(self, metrics: Any = (), sections: Any = ()) -> None:
        self._metrics = metrics
        self._sections = sections

    @hookimpl
    def metrics(self) -> Iterable[Metric]:
        yield from self._metrics

    @hookimpl
    def sections(self) -> Iterable[Section]:
        yield from self._sections


def test_everything_offered_is_there_in_the_order_of_the_list() -> None:
    one, two = metric("one"), metric("two")
    first, second = Section(name="first", read=nothing), Section(name="second", read=nothing)
    found = offered(manager(Offering([one], [first]), Offering([two], [second])))
    assert list(found.metrics) == ["one", "two"]
    assert [section.name for section in found.sections] == ["first", "second"]
    assert found.metrics["one"].of is not None
    assert found.metrics["one"].of(Sums(group={}, calls=3)) == 3


async def test_what_fails_when_it_is_asked_is_unavailable() -> None:
    async def fails(*asked: Any) -> Any:
        raise KeyError("secret")

    async def away(*asked: Any) -> Any:
        raise Unavailable("no database")

    async def text(*asked: Any) -> Any:
        return "much"

    def divides(sums: Sums) -> float:
        return 1 / sums.calls

    one = Metric(name="one", description="", unit="count", of=divides)
    others = [Metric(name=call.__name__, description="", unit="usd", read=call) for call in (fails, away, text)]
    found = offered(manager(Offering([one, *others], [Section(name="parts", read=fails)])))
    assert found.metrics["one"].of is not None
    with pytest.raises(Unavailable, match="'plugin-0' failed in metric 'one': ZeroDivisionError"):
        found.metrics["one"].of(Sums(group={}))
    for name, why in (
        ("fails", "metric 'fails': KeyError$"),
        ("away", "^no database$"),
        ("text", "metric 'text': it gives 'much'"),
    ):
        read: Any = found.metrics[name].read
        with pytest.raises(Unavailable, match=why):
            await read("acme", NOW)
    with pytest.raises(Unavailable, match="section 'parts': KeyError"):
        await found.sections[0].read("acme", NOW, NOW)


def test_without_plugins_nothing_is() -> None:
    assert (offered(manager()).metrics, offered(manager()).sections) == ({}, ())


def test_a_name_that_is_taken_is_refused_with_both_plugins() -> None:
    with pytest.raises(PluginError, match=r"'plugin-1': metric 'one' is 'plugin-0''s already"):
        offered(manager(Offering([metric("one")]), Offering([metric("one")])))


@pytest.mark.parametrize("name", ["", "One", "1st", "a-b", "a b", "x" * 65])
def test_a_name_that_nobody_could_write_in_a_rule_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="not a lower-case word with underscores"):
        offered(manager(Offering([metric(name)])))


def test_what_is_of_another_kind_is_refused() -> None:
    with pytest.raises(PluginError, match=r"metrics\(\) gives 3, which is no hooks.Metric"):
        offered(manager(Offering([3])))
    with pytest.raises(PluginError, match=r"sections\(\) gives 'x', which is no hooks.Section"):
        offered(manager(Offering([], ["x"])))


def test_a_metric_is_either_of_sums_or_read() -> None:
    with pytest.raises(ValueError, match="metric 'one': it has either of or read"):
        Metric(name="one", description="One.", unit="count")
