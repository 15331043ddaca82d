"""``/alerts``: listed, shown with their history, acknowledged, resolved, silenced; and foreign ones are not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.lifecycle import silence_api
from tests.alert_channels.lifecycle.watched import at, sent
from tests.alert_channels.rules.evaluated import calls
from tests.alert_channels.watching import Asked, asked
from tests.borrowed import Tables

RULES = [
    {"name": "errors", "metric": "error_rate", "threshold": 0.5, "severity": "critical", "repeat": "2m"},
    {"name": "calls", "metric": "calls", "threshold": 0, "window": "2m"},
]


@pytest.fixture
async def api(each_database: Any, tmp_path: Path) -> AsyncIterator[Asked]:
    async with asked(Tables(each_database, tmp_path, plugin).lent(), *RULES) as api:
        api.gateway.ledger.add(*calls(at(0.5), status=500))  # type: ignore[attr-defined]
        yield api


async def ids(api: Asked, who: str = "viewer", query: str = "") -> dict[str, str]:
    found = await api.got(who, "GET", f"/alerts{query}")
    return {one["name"]: one["id"] for one in found["data"]}


async def test_alerts_are_listed_those_that_are_open_first(api: Asked) -> None:
    await api.at(1)
    await api.at(3)
    assert list(await ids(api)) == ["errors", "calls"]
    assert list(await ids(api, query="?state=resolved")) == ["calls"]
    assert list(await ids(api, query="?state=open&severity=critical")) == ["errors"]
    assert list(await ids(api, query="?rule=yaml:calls")) == ["calls"]
    assert await ids(api, query="?since=2026-11-30T12:02:00Z") == {}
    assert await ids(api, "foreign") == {}
    assert list(await ids(api, "root")) == ["errors", "calls"]
    assert await ids(api, "root", "?organization=globex") == {}
    first = await api.got("viewer", "GET", "/alerts?limit=1")
    assert (first["has_more"], first["next"]) == (True, first["data"][0]["id"])
    second = await api.got("viewer", "GET", f"/alerts?limit=1&after={first['next']}")
    assert [one["name"] for one in second["data"]] == ["calls"]
    assert (second["has_more"], second["next"]) == (False, None)
    assert (await api("viewer", "GET", "/alerts?state=odd")).status_code == 400
    assert await ids(api, query="?after=nobody") == {}


async def test_an_alert_is_shown_with_its_history(api: Asked) -> None:
    await api.at(1)
    id = (await ids(api))["errors"]
    found = await api.got("viewer", "GET", f"/alerts/{id}")
    assert found["title"] == "errors: error_rate is 100 % (> 50 %, 5m)"
    assert (found["state"], found["severity"], found["value"], found["told"]) == ("firing", "critical", 1.0, 1)
    assert found["facts"] == {"Value": "100 %", "Threshold": "> 50 %", "Window": "5m"}
    assert [(one["kind"], one["note"]) for one in found["history"]] == [("firing", None), ("told_firing", "ops")]


async def test_one_that_is_acknowledged_is_not_told_again(api: Asked) -> None:
    await api.at(1)
    id = (await ids(api))["errors"]
    found = await api.got("admin", "POST", f"/alerts/{id}/ack", {"note": "on it"})
    assert (found["state"], found["acknowledged_by"]) == ("acknowledged", "k-admin")
    assert found["history"][-1] | {"at": ""} == {
        "kind": "acknowledged",
        "at": "",
        "by": "k-admin",
        "note": "on it",
        "value": 1.0,
    }
    assert await api.got("admin", "POST", f"/alerts/{id}/ack") == found
    await api.at(4)
    assert [kind for _, kind, _, minute in await sent(api.gateway.database) if minute > 1] == ["resolved"]
    await api.got("admin", "POST", f"/alerts/{id}/resolve", {})
    assert (await api.refused("admin", "POST", f"/alerts/{id}/ack"))[:2] == (409, "wrong_state")


async def test_one_can_be_resolved_by_hand(api: Asked) -> None:
    await api.at(1)
    id = (await ids(api))["errors"]
    found = await api.got("admin", "POST", f"/alerts/{id}/resolve")
    assert (found["state"], found["history"][-1]["kind"]) == ("resolved", "told_resolved")
    await api.at(2)
    assert (await ids(api, query="?state=open")).keys() == {"calls"}


async def test_one_can_be_silenced(api: Asked) -> None:
    await api.at(1)
    id = (await ids(api))["errors"]
    silence = await api.got("root", "POST", f"/alerts/{id}/silence", {"for": "3m", "comment": "known"}, status=201)
    assert silence["matchers"] == {"alert": id}
    assert (silence["from"], silence["until"]) == ("2026-11-30T12:01:00.000Z", "2026-11-30T12:04:00.000Z")
    for minute in (2, 3, 4):
        await api.at(minute)
    told = [minute for _, kind, title, minute in await sent(api.gateway.database) if "error_rate" in title]
    assert told == [1, 4]


async def test_silences_are_made_listed_and_ended(api: Asked) -> None:
    body = {"matchers": {"rule": "errors"}, "from": "2026-11-30T12:00:00Z", "until": "2026-11-30T13:00:00Z"}
    made = await api.got("admin", "POST", "/alerts/silences", body, status=201)
    everybody = await api.got("root", "POST", "/alerts/silences", {"matchers": {}, "for": "1d"}, status=201)
    assert everybody["organization"] == "*"
    assert (await api.got("viewer", "GET", "/alerts/silences"))["data"] == [made]
    await api.at(1)
    assert await sent(api.gateway.database) == []
    assert (await api.refused("foreign", "DELETE", f"/alerts/silences/{made['id']}"))[0] == 404
    assert (await api.refused("admin", "DELETE", f"/alerts/silences/{everybody['id']}"))[0] == 404
    await api.got("root", "DELETE", f"/alerts/silences/{everybody['id']}")
    await api.got("admin", "DELETE", f"/alerts/silences/{made['id']}")
    await api.at(2)
    assert len(await sent(api.gateway.database)) == 2


async def test_there_are_at_most_so_many_silences(api: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence_api, "MOST", 1)
    await api.at(1)
    body = {"matchers": {}, "for": "1h"}
    await api.got("admin", "POST", "/alerts/silences", body, status=201)
    one = f"/alerts/{(await ids(api))['errors']}/silence"
    for path, again in ((one, {"for": "1h"}), ("/alerts/silences", body)):
        assert (await api.refused("admin", "POST", path, again))[:2] == (409, "too_many_silences")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"matchers": {}},
        {"matchers": {}, "for": "1h", "until": "2026-12-01T00:00:00Z"},
        {"matchers": {}, "until": "2026-11-01T00:00:00Z"},
        {"matchers": {}, "until": "2030-11-01T00:00:00Z"},
        {"matchers": {}, "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
        {"matchers": {"team": "x"}, "for": "1h"},
        {"matchers": {}, "for": "1h", "comment": "\0"},
    ],
)
async def test_what_cannot_be_a_silence_is_refused(api: Asked, body: Any) -> None:
    assert (await api("admin", "POST", "/alerts/silences", body)).status_code == 400
    assert (await api.got("admin", "GET", "/alerts/silences"))["data"] == []


async def test_alerts_of_another_organization_do_not_exist(api: Asked) -> None:
    await api.at(1)
    id = (await ids(api))["errors"]
    before = await api.got("admin", "GET", f"/alerts/{id}")
    bodies: dict[str, Any] = {"ack": {}, "resolve": {}, "silence": {"for": "1h"}}
    for who, one in (("foreign", id), ("admin", "nobody"), ("admin", "%00")):
        assert (await api.refused(who, "GET", f"/alerts/{one}"))[:2] == (404, "not_found")
        for act, body in bodies.items():
            assert (await api.refused(who, "POST", f"/alerts/{one}/{act}", body))[:2] == (404, "not_found")
    for act, body in bodies.items():
        assert (await api.refused("member", "POST", f"/alerts/{id}/{act}", body))[0] == 403
    assert await api.got("admin", "GET", f"/alerts/{id}") == before


async def test_what_was_over_long_ago_is_forgotten(api: Asked) -> None:
    await api.at(1)
    await api.at(3)
    await api.got("admin", "POST", "/alerts/silences", {"matchers": {}, "for": "1h"}, status=201)
    found = await ids(api)
    for days, left in ((89, {"errors", "calls"}), (91, {"errors"})):
        api.clock[0] = at(days * 24 * 60)
        await api.watch.sweep()
        assert (await ids(api)).keys() == left
    assert (await api("viewer", "GET", f"/alerts/{found['calls']}")).status_code == 404


@pytest.mark.parametrize("time", ["0.5", "1795943072", "-3", " 12 "])
async def test_a_time_is_no_number(api: Asked, time: str) -> None:
    status, code, message = await api.refused("viewer", "GET", f"/alerts?since={time}")
    assert (status, code) == (400, "invalid_value")
    assert "as in 2026-11-30T12:00:00Z" in message


async def test_what_stands_at_the_place_of_an_id_is_no_alert(api: Asked) -> None:
    answer = await api("viewer", "OPTIONS", "/alerts/check")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
