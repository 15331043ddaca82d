"""Budgets of plugins.yaml and of the database, known to every process."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.budgets import register as module
from cognitude_plugins.alert_channels.budgets.owned import Owned, declared
from cognitude_plugins.alert_channels.budgets.register import NameTaken, Register, TooMany
from cognitude_plugins.alert_channels.budgets.settings import DeclaredBudget
from hooks import EVERY_ORGANIZATION, Unavailable
from tests.alert_channels.budgets.made import budget, owned
from tests.borrowed import Tables

YAML = declared([DeclaredBudget(name="declared", amount_usd=Decimal(1), per="day", organization=EVERY_ORGANIZATION)])


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    return Tables(each_database, tmp_path, plugin)


async def known(tables: Tables) -> Register:
    found = Register(YAML, tables.lent())
    await found.refresh()
    return found


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


async def test_what_one_process_sets_another_knows_after_its_next_look(tables: Tables) -> None:
    here, there = await known(tables), await known(tables)
    one = owned(budget(amount="0.123456789", scope="tag", value="team=a", thresholds=[10]), by="operator")
    await here.add(one)
    number = there.number
    await there.refresh()
    assert there.number != number
    assert there.find(one.id) == one
    assert ids(there.of("acme")) == ["yaml:declared", one.id]
    assert ids(there.of("globex")) == ["yaml:declared"]
    assert await here.delete(one.id)
    assert not await here.delete(one.id)
    await there.refresh()
    assert ids(there.all()) == ["yaml:declared"]


async def test_a_change_is_of_what_there_is_now(tables: Tables) -> None:
    here = await known(tables)
    await here.add(owned(budget()))

    def more(before: Owned) -> Owned:
        return owned(budget(amount=before.budget.amount_usd + 1))

    await asyncio.gather(*(here.change("budget_all", more) for _ in range(5)))
    await here.refresh()
    found = here.find("budget_all")
    assert found is not None
    assert found.budget.amount_usd == 105
    assert await here.change("budget_ghost", more) is None


async def test_a_change_that_raises_changes_nothing(tables: Tables) -> None:
    here = await known(tables)
    await here.add(owned(budget()))

    def refuse(before: Owned) -> Owned:
        raise LookupError

    with pytest.raises(LookupError):
        await here.change("budget_all", refuse)
    await here.refresh()
    assert here.find("budget_all") == owned(budget())


@pytest.mark.parametrize(
    ("organization", "name", "taken"),
    [
        ("acme", "all", True),
        ("globex", "all", False),
        ("globex", "declared", True),
        (EVERY_ORGANIZATION, "all", True),
        ("acme", "other", False),
    ],
)
async def test_who_sees_two_budgets_sees_two_names(tables: Tables, organization: str, name: str, taken: bool) -> None:
    here = await known(tables)
    await here.add(owned(budget()))
    new = owned(budget(name), organization, id="budget_new")
    if taken:
        with pytest.raises(NameTaken):
            await here.add(new)
    else:
        await here.add(new)
    await here.refresh()
    assert (here.find("budget_new") is None) is taken


async def test_an_organization_has_so_many_budgets(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    here = await known(tables)
    for name in ("a", "b"):
        await here.add(owned(budget(name)))
    with pytest.raises(TooMany):
        await here.add(owned(budget("c")))
    await here.add(owned(budget("c"), "globex"))


async def test_what_cannot_be_read_does_not_count(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    here = await known(tables)
    await here.add(owned(budget()))
    tables.execute('UPDATE alert_budget SET definition = \'{"by": "operator", "colour": 1}\'')
    there = await known(tables)
    assert ids(there.all()) == ["yaml:declared"]
    assert "budget_all" in caplog.text


async def test_without_the_database_they_stay_as_they_are(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    here = await known(tables)

    class Away:
        async def read(self, *args: Any, **options: Any) -> Any:
            raise Unavailable("database", "it is away")

    here._database = Away()  # type: ignore[assignment]
    for _ in range(3):
        await here.refresh()
    assert ids(here.all()) == ["yaml:declared"]
    assert caplog.text.count("not read again") == 1
