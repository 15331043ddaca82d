"""Alerts from the first observation to the last notice: on both databases, evaluated twice, late, and by two."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.target import QuietHours
from cognitude_plugins.alert_channels.lifecycle import stored
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle, WrongState
from cognitude_plugins.alert_channels.lifecycle.silence import Silence
from cognitude_plugins.alert_channels.lifecycle.standing import Standing
from hooks import EVERY_ORGANIZATION, Database
from tests.alert_channels.lifecycle.watched import at, lifecycle, seen, sent, standing, target
from tests.borrowed import Tables

MINUTE = timedelta(minutes=1)


@pytest.fixture
def database(each_database: Any, tmp_path: Path) -> Database:
    return Tables(each_database, tmp_path, plugin).lent()


async def only(life: Lifecycle) -> Standing:
    [alert] = (await standing(life)).values()
    return alert


async def ticks(life: Lifecycle) -> tuple[datetime, datetime]:
    found = await life.look("rules", at(0))
    return found.last, found.before


async def events(life: Lifecycle, alert: str) -> list[str]:
    rows = await life.database.read(EVERY_ORGANIZATION, lambda connection: stored.history(connection, alert))
    return [row["kind"] for row in rows]


async def run(life: Lifecycle, steps: dict[float, Any]) -> None:
    """Each observation (or its ``broken``) at its minute, evaluated twice."""
    for minute, one in steps.items():
        found = seen(one) if one is None or isinstance(one, bool) else one
        for _ in range(2):
            assert await life.observe([found], at(minute))


async def test_an_alert_is_told_once_and_its_end_once(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: True, 1: True})
    alert = await only(life)
    await run(life, {2: False, 3: False})
    assert await sent(database) == [
        ("ops", "firing", "error_rate is 12 %", 0),
        ("ops", "resolved", "Resolved: error_rate is 12 %", 2),
    ]
    assert await standing(life) == {}
    assert await events(life, alert.id) == ["firing", "told_firing", "resolved", "told_resolved"]


async def test_it_fires_once_it_has_been_broken_for_as_long_as_it_must(database: Database) -> None:
    life = lifecycle(database, [target()])
    wait: Any = {"wait": 2 * MINUTE}
    await run(life, {0: seen(**wait), 1: seen(**wait)})
    assert ((await only(life)).state, await sent(database)) == ("pending", [])
    await run(life, {2: seen(False, **wait)})
    assert await standing(life) == {}
    await run(life, {3: seen(**wait), 4: seen(None, **wait), 5: seen(**wait)})
    assert [(kind, minute) for _, kind, _, minute in await sent(database)] == [("firing", 5)]


async def test_what_is_not_known_changes_nothing(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: None, 1: True, 2: None, 3: None})
    assert (await only(life)).state == "firing"
    assert len(await sent(database)) == 1


async def test_one_that_breaks_again_is_another_alert(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: True})
    first = await only(life)
    await run(life, {1: False, 2: True})
    assert (await only(life)).id != first.id
    assert [kind for _, kind, _, _ in await sent(database)] == ["firing", "resolved", "firing"]


async def test_it_is_told_again_after_its_repeat_interval_but_not_once_acknowledged(database: Database) -> None:
    life = lifecycle(database, [target()])
    often = seen(repeat=2 * MINUTE)
    await run(life, dict.fromkeys(range(5), often))
    assert [minute for *_, minute in await sent(database)] == [0, 2, 4]
    alert = await life.acknowledge("acme", (await only(life)).id, by="key-1", note="on it", now=at(5))
    assert alert is not None
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "key-1")
    await run(life, {**dict.fromkeys(range(6, 9), often), 9: seen(False)})
    assert [(kind, minute) for _, kind, _, minute in await sent(database)][3:] == [("resolved", 9)]


async def test_what_does_not_resolve_by_itself_stays(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: seen(resolve=False), 1: seen(False, resolve=False)})
    assert (await only(life)).state == "firing"


async def test_one_that_was_resolved_by_hand_opens_again_after_it_has_held(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: True})
    alert = await life.resolve("acme", (await only(life)).id, by="key-1", note=None, now=at(0.5))
    assert alert is not None
    assert alert.state == "resolved"
    await run(life, {1: True, 2: True})
    assert [kind for _, kind, _, _ in await sent(database)] == ["firing", "resolved"]
    await run(life, {3: False, 4: True})
    assert (await only(life)).id != alert.id
    assert [kind for _, kind, _, _ in await sent(database)] == ["firing", "resolved", "firing"]


async def test_in_its_period_one_that_was_resolved_by_hand_does_not_open_again(database: Database) -> None:
    life = lifecycle(database, [target()])
    monday: Any = {"window": "2026-11-30"}
    tuesday: Any = {"window": "2026-12-01"}
    await run(life, {0: seen(**monday)})
    await life.resolve("acme", (await only(life)).id, by="key-1", note=None, now=at(0.5))
    await run(life, {1: seen(False, **monday), 2: seen(**monday)})
    assert [kind for _, kind, _, _ in await sent(database)] == ["firing", "resolved"]
    await run(life, {3: seen(**tuesday)})
    assert [kind for _, kind, _, _ in await sent(database)] == ["firing", "resolved", "firing"]


async def test_broken_in_the_next_period_it_is_told_anew_and_the_one_before_is_over(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: seen(window="2026-11-30")})
    first = await only(life)
    await run(life, {1: seen(window="2026-12-01")})
    assert (await only(life)).id != first.id
    assert [(kind, minute) for _, kind, _, minute in await sent(database)] == [
        ("firing", 0),
        ("firing", 1),
        ("resolved", 1),
    ]
    assert await events(life, first.id) == ["firing", "told_firing", "resolved", "told_resolved"]


async def test_what_gets_worse_is_told_again(database: Database) -> None:
    life = lifecycle(database, [target(), target("pager", min_severity="critical")])
    await run(life, {0: True, 1: seen(severity="critical"), 2: seen(severity="critical"), 3: seen(severity="info")})
    assert [(name, minute) for name, _, _, minute in await sent(database)] == [("ops", 0), ("ops", 1), ("pager", 1)]
    assert (await only(life)).severity == "info"


async def test_each_channel_hears_what_it_is_for_and_ends_only_of_what_it_has_heard(database: Database) -> None:
    known = [
        target("acme-ops"),
        target("pager", min_severity="critical"),
        target("gateway", organization="*"),
        target("others", organization="globex"),
    ]
    life = lifecycle(database, known)
    await run(life, {0: seen(), 1: seen(rule="rule_2", channels=("gateway",))})
    assert {(name, minute) for name, _, _, minute in await sent(database)} == {
        ("acme-ops", 0),
        ("gateway", 0),
        ("gateway", 1),
    }
    await life.observe([seen(False), seen(False, rule="rule_2")], at(2))
    ends = {name for name, kind, _, _ in await sent(database) if kind == "resolved"}
    assert ends == {"acme-ops", "gateway"}


async def test_while_it_is_silenced_nothing_is_told_and_afterwards_what_still_fires(database: Database) -> None:
    life = lifecycle(database, [target()])
    silence = Silence(id="s", organization="acme", matchers={"rule": "errors"}, from_ms=ms(0), until_ms=ms(3))
    await database.write("acme", lambda connection: stored.add_silence(connection, silence))
    ends = seen(rule="rule_2")
    await life.observe([seen(), ends, seen(rule="rule_3", name="others")], at(0))
    await life.observe([seen(), seen(False, rule="rule_2")], at(2))
    assert [minute for *_, minute in await sent(database)] == [0]
    await life.observe([], at(3))
    assert [(kind, minute) for _, kind, _, minute in await sent(database)] == [("firing", 0), ("firing", 3)]


@pytest.mark.parametrize("operator", [False, True])
async def test_no_organization_silences_the_gateways_channels(database: Database, operator: bool) -> None:
    life = lifecycle(database, [target(), target("pager", organization="*")])
    silence = Silence(id="s", organization="acme", matchers={}, from_ms=ms(0), until_ms=ms(9), operator=operator)
    await database.write("acme", lambda connection: stored.add_silence(connection, silence))
    await life.observe([seen()], at(0))
    await life.observe([seen(False)], at(1))
    told = [("pager", "firing", 0), ("pager", "resolved", 1)]
    found = [(channel, kind, minute) for channel, kind, _, minute in await sent(database)]
    assert found == ([] if operator else told)


async def test_the_end_of_what_was_told_before_a_silence_is_told_after_it(database: Database) -> None:
    life = lifecycle(database, [target(), target("pager", min_severity="critical")])
    quiet = QuietHours(start=time(12, 6), end=time(12, 9))
    life.targets.known.append(target("night", quiet_hours=quiet))  # type: ignore[attr-defined]
    await life.observe([seen()], at(0))
    for id, since, until in (("a", 1, 5), ("b", 4, 7), ("c", 20, 30)):
        silence = Silence(id=id, organization="*", matchers={}, from_ms=ms(since), until_ms=ms(until))
        await database.write("acme", partial(stored.add_silence, silence=silence))
    await life.observe([seen(False)], at(2))
    assert [(name, minute) for name, kind, _, minute in await sent(database) if kind == "resolved"] == [
        ("ops", 7),
        ("night", 9),
    ]


async def test_a_channel_that_is_not_to_hear_it_any_more_is_not_told_again_but_of_its_end(database: Database) -> None:
    life = lifecycle(database, [target("a"), target("b")])
    often: Any = {"repeat": MINUTE}
    await run(life, {0: seen(**often), 1: seen(**often, channels=("b",)), 2: seen(False, **often)})
    assert [(name, kind, minute) for name, kind, _, minute in await sent(database)] == [
        ("a", "firing", 0),
        ("b", "firing", 0),
        ("b", "firing", 1),
        ("a", "resolved", 2),
        ("b", "resolved", 2),
    ]


async def test_in_quiet_hours_only_what_is_critical_is_told(database: Database) -> None:
    """From 13:00 to 14:00 in Berlin it is 12:00 to 13:00 in UTC."""
    quiet = QuietHours(start=time(13), end=time(14))
    life = lifecycle(database, [target(quiet_hours=quiet)], zones={"acme": "Europe/Berlin"})
    critical = seen(rule="rule_3", severity="critical", title="bad")
    await life.observe([seen(rule="rule_4", title="old")], at(-1))
    await life.observe([seen(title="stays"), seen(rule="rule_2", title="goes"), critical], at(0))
    await life.observe([seen(False, rule="rule_2"), seen(False, rule="rule_4", title="old")], at(30))
    await life.observe([seen(title="stays")], at(60))
    assert await sent(database) == [
        ("ops", "firing", "old", -1),
        ("ops", "firing", "bad", 0),
        ("ops", "firing", "stays", 60),
        ("ops", "resolved", "Resolved: old", 60),
    ]


@pytest.mark.parametrize(("group", "messages"), [("none", 3), ("rule", 2), ("all", 1)])
async def test_alerts_of_one_evaluation_come_in_as_few_messages_as_the_channel_wants(
    database: Database, group: Any, messages: int
) -> None:
    life = lifecycle(database, [target(group=group)])
    found = [seen(), seen(subject="b"), seen(rule="rule_2")]
    for _ in range(2):
        await life.observe(found, at(0))
    assert len(await sent(database)) == messages


async def test_a_late_evaluation_undoes_nothing(database: Database) -> None:
    life = lifecycle(database, [target()])
    assert await life.observe([seen()], at(1), series="rules")
    assert await life.observe([seen()], at(3), series="rules")
    assert not await life.observe([seen(False)], at(2), series="rules")
    assert await ticks(life) == (at(3), at(1))
    assert [alert.state for alert in (await standing(life, "rules")).values()] == ["firing"]
    assert await life.observe([seen(False)], at(2), series="others"), "each series has its own time"


async def test_one_that_is_asked_for_in_between_does_not_count_as_the_last(database: Database) -> None:
    life = lifecycle(database, [target()])
    await life.observe([], at(1), series="rules")
    assert await life.observe([seen()], at(2), series="rules", advance=False)
    assert await ticks(life) == (at(1), datetime(1970, 1, 1, tzinfo=UTC))
    assert await life.observe([seen()], at(2), series="rules")
    assert len(await sent(database)) == 1


async def test_two_processes_at_once_open_and_tell_it_once(database: Database) -> None:
    lives = [lifecycle(database, [target()]) for _ in range(4)]
    for minute, broken in ((0, True), (1, False), (2, True)):
        found = [seen(broken, rule=f"rule_{number}") for number in range(20)]
        await asyncio.gather(*(life.observe(found, at(minute), series="rules") for life in lives))
    assert len(await standing(lives[0], "rules")) == 20
    assert len(await sent(database)) == 60


async def test_what_is_not_in_that_state_is_refused(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: seen(wait=MINUTE)})
    alert = await only(life)
    for change in (life.acknowledge, life.resolve):
        with pytest.raises(WrongState, match="pending"):
            await change("acme", alert.id, by="key-1", note=None, now=at(0))
        assert await change("globex", alert.id, by="key-1", note=None, now=at(0)) is None
    assert (await only(life)) == alert


async def test_an_evaluation_that_changes_nothing_writes_nothing(database: Database) -> None:
    life = lifecycle(database, [target()])
    await run(life, {0: True})
    before = await rows(database)
    await run(life, {1: seen(value=0.2, title="error_rate is 20 %"), 2: True})
    assert await rows(database) == before


async def rows(database: Database) -> Any:
    statement = text("SELECT id, updated_ms, title FROM alert")
    return await database.read("acme", lambda connection: [tuple(row) for row in connection.execute(statement)])


def ms(minute: float) -> int:
    return round(at(minute).timestamp() * 1000)
