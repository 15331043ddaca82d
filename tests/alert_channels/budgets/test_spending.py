"""Many sums in few questions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.alert_channels.budgets.spending import Ask, Unknown, sums_of
from hooks import Sums, Unanswerable
from tests.alert_channels.budgets.made import NOW, USD, CountingLedger, call

DAY = timedelta(days=1)


def ask(organization: str = "acme", scope: Any = "organization", value: str = "", since: datetime = NOW) -> Ask:
    return Ask(organization=organization, scope=scope, value=value, since=since)


def costs(found: list[Sums | Unknown]) -> list[int]:
    return [one.cost_nano_usd // USD for one in found if isinstance(one, Sums)]


SPENT = [
    call(NOW, 1, key="k1", user="ada", tags={"team": "a"}, provider="openai"),
    call(NOW, 2, key="k2", user="bob", tags={"team": "a", "job": "x"}, provider="openai"),
    call(NOW, 4, key="k1", user=None, provider="mistral"),
    call(NOW, 8, organization="globex", key="k1", tags={"team": "a"}),
    call(NOW - DAY, 16, key="k1"),
]


async def test_each_scope_is_one_question_whoever_asks() -> None:
    ledger = CountingLedger(*SPENT)
    found = await sums_of(
        ledger,
        [
            ask(),
            ask("globex"),
            ask("ghost"),
            ask(scope="key", value="k1"),
            ask("globex", scope="key", value="k1"),
            ask(scope="key", value="k9"),
            ask(scope="user", value="ada"),
            ask(scope="user", value="bob"),
            ask(scope="tag", value="team=a"),
            ask(scope="tag", value="job=x"),
            ask(scope="provider", value="openai"),
            ask(scope="provider", value="mistral"),
        ],
    )
    assert costs(found) == [7, 8, 0, 5, 8, 0, 1, 2, 3, 2, 3, 4]
    assert ledger.asked == 12, "so few are asked for one by one"
    many = [
        ask(name, scope, value)
        for name in ("acme", "globex", "ghost")
        for scope, values in {"key": ("k1", "k2"), "user": ("ada", "bob"), "tag": ("team=a", "job=x")}.items()
        for value in values
    ]
    ledger.asked = 0
    assert costs(await sums_of(ledger, many)) == [5, 2, 1, 2, 3, 2, 8, 0, 0, 0, 8, 0, *[0] * 6]
    assert ledger.asked == 3


async def test_each_time_is_a_question_of_its_own() -> None:
    ledger = CountingLedger(*SPENT)
    names = ("acme", "globex", "ghost", "initech")
    found = await sums_of(ledger, [ask(name, since=since) for since in (NOW, NOW - DAY) for name in names])
    assert (costs(found), ledger.asked) == ([7, 8, 0, 0, 23, 8, 0, 0], 2)


async def test_what_the_ledger_cannot_say_is_said() -> None:
    class Forgetful(CountingLedger):
        async def usage(self, *args: Any, **options: Any) -> Any:
            if "user" in (*options.get("group_by", ()), *options):
                raise Unanswerable("sums of users are not kept that long", what="filter")
            return await super().usage(*args, **options)

    found = await sums_of(Forgetful(*SPENT), [ask(scope="user", value="ada"), ask(scope="user", value="bob"), ask()])
    assert found[:2] == [Unknown("sums of users are not kept that long")] * 2
    assert costs(found) == [7]


names = st.sampled_from(("acme", "globex", "ghost"))
scopes = st.sampled_from(
    (("organization", ""), ("key", "k1"), ("key", "k2"), ("user", "ada"), ("tag", "team=a"), ("provider", "openai"))
)


@given(st.lists(st.tuples(names, scopes, st.sampled_from((NOW, NOW - DAY))), max_size=30))
async def test_together_they_are_what_each_is_alone(asked: list[Any]) -> None:
    asks = [ask(name, scope, value, since) for name, (scope, value), since in asked]
    ledger = CountingLedger(*SPENT)
    alone = [(await sums_of(ledger, [one]))[0] for one in asks]
    assert costs(await sums_of(ledger, asks)) == costs(alone)
