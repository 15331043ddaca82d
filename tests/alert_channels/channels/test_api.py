"""``/alerts/channels``: made, shown without secrets, changed, rotated, deleted; nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from tests.alert_channels.opened import Office, opened
from tests.alert_channels.receivers import receiving
from tests.borrowed import Tables, sqlite_tables

URL = "http://127.0.0.1:2999/hooks/canary-url"
HIDDEN = "**********"
CONFIG = {
    "channels": {
        "pager": {"type": "pagerduty", "routing_key": "canary-key", "organization": "acme", "min_severity": "critical"},
        "everybody": {"type": "slack", "url": URL},
    }
}


@pytest.fixture
def tables(each_database: Any, tmp_path: Path) -> Tables:
    return Tables(each_database, tmp_path, plugin)


@pytest.fixture
async def office(tables: Tables) -> AsyncIterator[Office]:
    async with opened(tables.lent(), CONFIG) as found:
        yield found


async def test_a_channel_is_made_shown_changed_and_deleted(office: Office) -> None:
    made = await office.made("admin", "hook", "webhook", {"url": URL, "headers": {"x-key": "canary-header"}})
    id, secret = made["id"], made["made"]["secret"]
    assert secret.startswith("whsec_")
    expected = {"url": HIDDEN, "secret": HIDDEN, "previous": [], "headers": {"x-key": HIDDEN}}
    assert (made["settings"], made["usable"], made["declared"]) == (expected, True, False)
    for who in ("viewer", "member", "admin"):
        shown = (await office(who, "GET", f"channels/{id}")).json()
        assert "made" not in shown
        assert shown == {name: value for name, value in made.items() if name != "made"}
    changes = {"name": "other", "min_severity": "warning", "quiet_hours": {"start": "22:00", "end": "07:00"}}
    changed = await office("admin", "PATCH", f"channels/{id}", changes)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["min_severity"]) == ("other", "warning")
    assert changed.json()["quiet_hours"] == {"start": "22:00:00", "end": "07:00:00"}
    assert changed.json()["settings"] == expected, "what is left out stays"
    target = office.desk.directory.named("acme", "other")
    assert target is not None
    assert (target.min_severity, target.hears("acme", "info"), target.hears("acme", "critical")) == (
        "warning",
        False,
        True,
    )
    assert (await office("admin", "DELETE", f"channels/{id}")).json()["deleted"] is True
    assert (await office("admin", "GET", f"channels/{id}")).status_code == 404
    assert office.desk.directory.find(id) is None


async def test_secrets_stay_where_they_are_left_out_or_sent_back_masked(office: Office) -> None:
    made = await office.made("admin", "hook", "webhook", {"url": URL, "headers": {"x-key": "canary-header"}})
    one = f"channels/{made['id']}"
    before = settings_of(office, made["id"])
    again = await office(
        "admin", "PATCH", one, {"settings": {**made["settings"], "headers": {"x-key": HIDDEN, "x-b": "2"}}}
    )
    assert again.status_code == 200, again.text
    after = settings_of(office, made["id"])
    assert (after.url, after.secret) == (before.url, before.secret)
    assert {name: value.get_secret_value() for name, value in after.headers.items()} == {
        "x-key": "canary-header",
        "x-b": "2",
    }
    await office("admin", "PATCH", one, {"settings": {"headers": None}})
    assert settings_of(office, made["id"]).headers == {}


def settings_of(office: Office, id: str) -> Any:
    known = office.desk.directory.find(id)
    assert known is not None
    return known.settings


async def test_a_secret_is_rotated_and_the_old_one_is_good_for_a_day(office: Office) -> None:
    made = await office.made("admin", "hook", "webhook", {"url": URL})
    rotated = await office("admin", "POST", f"channels/{made['id']}/rotate", {})
    assert rotated.status_code == 200, rotated.text
    assert rotated.json()["made"]["secret"] not in (None, made["made"]["secret"])
    settings = settings_of(office, made["id"])
    [previous] = settings.previous
    assert settings.secret.get_secret_value() == rotated.json()["made"]["secret"]
    assert previous.secret.get_secret_value() == made["made"]["secret"]
    slack = await office.made("admin", "slack", "slack", {"url": URL})
    refused = await office("admin", "POST", f"channels/{slack['id']}/rotate", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "no_secret")


async def test_those_of_plugins_yaml_are_shown_and_cannot_be_changed(office: Office) -> None:
    mine = (await office("admin", "GET", "channels")).json()["data"]
    gateways = (await office("root", "GET", "channels")).json()["data"]
    assert [(one["id"], one["declared"], one["settings"]["routing_key"]) for one in mine] == [
        ("yaml:pager", True, HIDDEN)
    ]
    assert [(one["id"], one["organization"]) for one in gateways] == [("yaml:everybody", "*")]
    for method, path, body in (("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/rotate", {})):
        answer = await office("admin", method, f"channels/yaml:pager{path}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "declared")
    names = {target.name for target in office.desk.directory.targets("acme")}
    assert names == {"pager", "everybody"}
    assert {target.name for target in office.desk.directory.targets("globex")} == {"everybody"}


async def test_a_name_is_given_once(office: Office) -> None:
    await office.made("admin", "hook", "slack", {"url": URL})
    await office.made("foreign", "hook", "slack", {"url": URL})
    await office.made("foreign", "pager", "slack", {"url": URL})
    other = await office.made("admin", "other", "slack", {"url": URL})
    for name in ("hook", "pager", "everybody"):
        body = {"name": name, "type": "slack", "settings": {"url": URL}}
        for answer in (
            await office("admin", "POST", "channels", body),
            await office("admin", "PATCH", f"channels/{other['id']}", {"name": name}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "name_taken")
    assert office.desk.directory.named("acme", "hook") != office.desk.directory.named("globex", "hook")


async def test_there_are_at_most_so_many(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cognitude_plugins.alert_channels.channels.editing.MOST", 2)
    for name in ("a", "b"):
        await office.made("admin", name, "slack", {"url": URL})
    full = await office("admin", "POST", "channels", {"name": "c", "type": "slack", "settings": {"url": URL}})
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many_channels")
    await office.made("foreign", "c", "slack", {"url": URL})


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"name": "a", "type": "slak"}, "type", "there is no type of channel 'slak'; did you mean 'slack'?"),
        ({"name": "a", "type": "slack"}, "settings.url", "Field required"),
        ({"name": "a", "type": "slack", "settings": {"urll": "canary"}}, "settings.urll", "did you mean 'url'?"),
        (
            {"name": "a", "type": "slack", "settings": {"url": "http://canary@h/"}},
            "settings.url",
            "user name or password",
        ),
        ({"name": "a", "type": "slack", "settings": {"url": "https://10.0.0.1/canary"}}, "settings.url", "must"),
        ({"name": "a", "type": "slack", "settings": {"url": 5}}, "settings.url", "valid string"),
        ({"name": "a", "type": "webhook", "settings": {"url": URL, "secret": "canary"}}, "settings.secret", "base64"),
        ({"name": "A b", "type": "slack", "settings": {"url": URL}}, "name", "pattern"),
        ({"name": "a", "type": "slack", "settings": {"url": URL}, "nmae": 1}, "nmae", "there is no 'nmae'"),
        (
            {
                "name": "a",
                "type": "email",
                "settings": {"host": "h", "from": "a@b.c", "to": ["a@b.c"], "ca_file": "/etc/x"},
            },
            "settings.ca_file",
            "can only be set in plugins.yaml",
        ),
        (
            {"name": "a", "type": "slack", "settings": {"url": URL}, "quiet_hours": {"start": "22:00Z", "end": "7:00"}},
            "quiet_hours.start",
            "without a zone of its own",
        ),
        (
            {"name": "a", "type": "template", "settings": {"url": URL, "body": {"x": "{titel}"}}},
            "settings",
            "there is no {titel}",
        ),
        (
            {"name": "a", "type": "template", "settings": {"url": URL, "body": {"x": ["{data}" * 64, "{{{id}}}"]}}},
            "settings",
            "has 65 places, and 64 are the most",
        ),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place_and_rule(
    tmp_path: Path, body: Any, param: str, said: str
) -> None:
    with closing(sqlite_tables(tmp_path, plugin)) as tables:
        async with opened(tables.lent()) as office:
            answer = await office("admin", "POST", "channels", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param), error
    assert said in error["message"]
    assert "canary" not in error["message"]


async def test_what_belongs_to_others_does_not_exist(office: Office) -> None:
    made = await office.made("admin", "hook", "webhook", {"url": URL})
    await office.put(made["id"])
    [delivery] = await office.deliveries(made["id"])
    for who, ids in (("foreign", (made["id"], "yaml:pager", "yaml:everybody")), ("root", (made["id"], "yaml:pager"))):
        for id in (*ids, "ch_none"):
            for method, path in (
                ("GET", f"channels/{id}"),
                ("PATCH", f"channels/{id}"),
                ("DELETE", f"channels/{id}"),
                ("POST", f"channels/{id}/rotate"),
                ("GET", f"channels/{id}/deliveries"),
                ("POST", f"test/{id}"),
            ):
                answer = await office(who, method, path, {} if method in ("POST", "PATCH") else None)
                assert answer.status_code == 404, (who, path)
                assert answer.json()["error"]["message"] == f"There is no channel {id!r}."
        for id in (delivery["id"], "%00"):
            assert (await office(who, "POST", f"deliveries/{id}/redeliver", {})).status_code == 404
    assert (await office("viewer", "GET", f"channels/{made['id']}")).json()["usable"]


async def test_only_admins_change_anything(office: Office) -> None:
    made = await office.made("admin", "hook", "slack", {"url": URL})
    for who in ("viewer", "member"):
        for method, path in (
            ("POST", "channels"),
            ("PATCH", f"channels/{made['id']}"),
            ("DELETE", f"channels/{made['id']}"),
            ("POST", f"channels/{made['id']}/rotate"),
            ("POST", f"test/{made['id']}"),
            ("POST", "deliveries/x/redeliver"),
        ):
            answer = await office(who, method, path, {} if method in ("POST", "PATCH") else None)
            assert answer.status_code == 403, (who, path)


async def test_two_who_change_at_once_do_not_overwrite_each_other(office: Office, tables: Tables) -> None:
    made = await office.made("admin", "hook", "slack", {"url": URL})
    known = office.desk.directory.find(made["id"])
    assert known is not None
    tables.execute("UPDATE alert_channel SET updated_ms = updated_ms + 1 WHERE id = :id", id=made["id"])
    answer = await office("admin", "PATCH", f"channels/{made['id']}", {"enabled": False})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


async def test_a_broken_seal_switches_off_that_channel_and_says_why(tables: Tables, office: Office) -> None:
    made = await office.made("admin", "hook", "slack", {"url": URL})
    await office.made("admin", "fine", "slack", {"url": URL})
    tables.execute("UPDATE alert_channel SET sealed = 'other|place|x' WHERE id = :id", id=made["id"])
    tables.execute("UPDATE alert_change SET number = number + 1")
    async with opened(tables.lent(), CONFIG) as other:
        shown = (await other("admin", "GET", f"channels/{made['id']}")).json()
        assert (shown["usable"], shown["problem"]) == (False, "its settings cannot be read: it belongs elsewhere")
        assert {target.name for target in other.desk.directory.targets("acme")} == {"fine", "pager", "everybody"}
        mended = await other("admin", "PATCH", f"channels/{made['id']}", {"settings": {"url": URL}})
        assert (mended.status_code, mended.json()["usable"]) == (200, True)


async def test_other_processes_see_a_change_when_they_look_next(tables: Tables, office: Office) -> None:
    async with opened(tables.lent(), CONFIG) as other:
        made = await office.made("admin", "hook", "slack", {"url": URL})
        assert other.desk.directory.find(made["id"]) is None
        await other.desk.refresh()
        assert other.desk.directory.named("acme", "hook") is not None
        await office("admin", "PATCH", f"channels/{made['id']}", {"enabled": False})
        await other.desk.refresh()
        assert other.desk.directory.named("acme", "hook") is None


async def test_a_test_message_is_sent_now_and_its_receipt_shown(office: Office) -> None:
    async with receiving() as receiver:
        made = await office.made("admin", "hook", "webhook", {"url": receiver.url()})
        found = (await office("admin", "POST", f"test/{made['id']}", {})).json()
        assert (found["delivered"], found["status"], found["detail"]) == (True, 200, "HTTP 200")
        assert receiver.requests[0].headers["webhook-id"] == found["id"]
        slack = await office.made("admin", "slack", "slack", {"url": receiver.url("/slack")})
        first = await office("admin", "POST", f"test/{slack['id']}", {})
        second = await office("admin", "POST", f"test/{slack['id']}", {})
        assert (first.status_code, second.status_code) == (200, 429)
        assert second.headers["retry-after"] == "1"
    failed = (await office("admin", "POST", f"test/{made['id']}", {})).json()
    assert (failed["delivered"], failed["detail"]) == (False, "connection: 127.0.0.1 cannot be reached")
