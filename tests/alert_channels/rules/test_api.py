"""``/alerts/configs`` and ``/alerts/check``: made, changed, looked at, and by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.rules import rulebook
from hooks import Metric
from tests.alert_channels.lifecycle.watched import at
from tests.alert_channels.rules.evaluated import calls
from tests.alert_channels.watching import Asked, asked
from tests.borrowed import Tables

RULE = {"name": "errors", "metric": "error_rate", "threshold": 0.05, "for": "2m", "filters": {"model": "sim"}}
DECLARED = {"name": "spend", "metric": "daily_cost", "threshold": 100}
OWN = {"name": "slow", "metric": "latency_p95", "threshold": 2, "organization": "acme"}


@pytest.fixture
async def api(each_database: Any, tmp_path: Path) -> AsyncIterator[Asked]:
    async def read(organization: str, when: Any) -> float | None:
        return 1.5

    metrics = {"anomaly_score": Metric(name="anomaly_score", description="", unit="score", read=read)}
    async with asked(Tables(each_database, tmp_path, plugin).lent(), DECLARED, OWN, metrics=metrics) as api:
        yield api


async def test_a_rule_is_made_shown_changed_and_deleted(api: Asked) -> None:
    made = await api.got("admin", "POST", "/alerts/configs", RULE, status=201)
    assert made == {
        "object": "alert_config",
        "id": made["id"],
        "organization": "acme",
        "declared": False,
        "name": "errors",
        "description": "",
        "enabled": True,
        "metric": "error_rate",
        "operator": ">",
        "threshold": 0.05,
        "window": None,
        "slo": None,
        "severity": "warning",
        "filters": {"model": "sim"},
        "for": "2m",
        "every": "1m",
        "repeat": None,
        "channels": [],
        "resolve": True,
        "scope": "each",
        "min_calls": 1,
        "not_known": None,
        "not_known_since": None,
        "warning": None,
        "created_at": "2026-11-30T12:00:00.000Z",
        "updated_at": "2026-11-30T12:00:00.000Z",
    }
    path = f"/alerts/configs/{made['id']}"
    assert await api.got("viewer", "GET", path) == made
    await api.at(1)
    changed = await api.got("admin", "PATCH", path, {"threshold": 0.1, "filters": None, "repeat": "1h", "for": "0s"})
    assert changed == {
        **made,
        "threshold": 0.1,
        "filters": {},
        "repeat": "1h",
        "for": "0s",
        "updated_at": "2026-11-30T12:01:00.000Z",
    }
    deleted = {"object": "alert_config.deleted", "id": made["id"], "deleted": True}
    assert await api.got("admin", "DELETE", path) == deleted
    assert (await api("admin", "GET", path)).status_code == 404


async def test_an_organization_sees_what_watches_it(api: Asked) -> None:
    await api.got("root", "POST", "/alerts/configs", {**RULE, "name": "all-of-them", "scope": "all"}, status=201)
    await api.got("root", "POST", "/alerts/configs?organization=globex", RULE, status=201)
    listed = {
        who: [one["name"] for one in (await api.got(who, "GET", path))["data"]]
        for who, path in {
            "viewer": "/alerts/configs",
            "foreign": "/alerts/configs",
            "root": "/alerts/configs",
        }.items()
    }
    assert listed == {
        "viewer": ["slow", "spend"],
        "foreign": ["errors", "spend"],
        "root": ["spend", "all-of-them"],
    }


async def test_what_is_not_ones_own_cannot_be_changed(api: Asked) -> None:
    gateway = (await api.got("root", "POST", "/alerts/configs", RULE, status=201))["id"]
    foreign = (await api.got("foreign", "POST", "/alerts/configs", RULE, status=201))["id"]
    for method, body in (("PATCH", {"threshold": 1}), ("DELETE", None)):
        for id, status, code in (
            ("yaml:spend", 409, "declared"),
            ("yaml:slow", 409, "declared"),
            (gateway, 409, "not_own"),
            (foreign, 404, "not_found"),
            ("rule_nobody", 404, "not_found"),
            ("%00", 404, "not_found"),
        ):
            assert (await api.refused("admin", method, f"/alerts/configs/{id}", body))[:2] == (status, code)
        assert (await api.refused("member", method, f"/alerts/configs/{gateway}", body))[0] == 403
    assert (await api("admin", "GET", f"/alerts/configs/{foreign}")).status_code == 404
    assert (await api.got("foreign", "GET", f"/alerts/configs/{foreign}"))["threshold"] == 0.05


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metric": "eror_rate"}, "did you mean 'error_rate'?"),
        ({"threshold": None}, "threshold is of a metric, which must have one"),
        ({"filters": {"key": "k", "tag": "a=b"}}, "key and tag together cannot be watched"),
        ({"filters": {"tag": "blue"}}, "must be name=value"),
        ({"window": "90s"}, "must be whole minutes, not 90s"),
        ({"window": "5 minutes"}, "as in 5m, not '5 minutes'"),
        ({"metric": "daily_cost", "window": "1d"}, "daily_cost has no window"),
        ({"metric": "anomaly_score"}, "the metric 'anomaly_score' is of one organization"),
        ({"scope": "all"}, "scope: all is for rules of the gateway's own"),
        ({"severity": "bad"}, "'info', 'warning' or 'critical'"),
        ({"every": "10s"}, "must be between 1m and 1d"),
        ({"slo": {"objective": 0.99}}, "either metric or slo"),
        ({"threshold": 5}, "error_rate is a share from 0 to 1: 5 % is 0.05, and 5 never is"),
        ({"organization": "globex"}, "there is no 'organization' to be set here"),
    ],
)
async def test_what_cannot_be_a_rule_is_refused_with_the_reason(api: Asked, changed: Any, said: str) -> None:
    body = {name: value for name, value in {**RULE, **changed}.items() if value is not None}
    status, _, message = await api.refused("admin", "POST", "/alerts/configs", body)
    assert status == 400
    assert said in message


async def test_a_channel_that_there_is_not_is_warned_of(api: Asked) -> None:
    made = await api.got("admin", "POST", "/alerts/configs", {**RULE, "channels": ["ops", "opps"]}, status=201)
    said = "there is no channel 'opps' that its alerts could go to; did you mean 'ops'?"
    assert made["warning"] == said
    path = f"/alerts/configs/{made['id']}"
    assert (await api.got("viewer", "GET", path))["warning"] == said
    assert (await api.got("admin", "PATCH", path, {"channels": ["ops"]}))["warning"] is None


async def test_a_change_that_does_not_fit_changes_nothing(api: Asked) -> None:
    made = await api.got("admin", "POST", "/alerts/configs", RULE, status=201)
    path = f"/alerts/configs/{made['id']}"
    for body in ({"metric": "nothing"}, {"slo": {"objective": 0.99}}, {"threshold": None}):
        assert (await api.refused("admin", "PATCH", path, body))[0] == 400
    assert await api.got("admin", "GET", path) == made
    slo = {"slo": {"objective": 0.99}, "metric": None, "threshold": None}
    assert (await api.got("admin", "PATCH", path, slo))["slo"]["objective"] == 0.99


async def test_a_name_is_one_rules_only(api: Asked) -> None:
    await api.got("admin", "POST", "/alerts/configs", RULE, status=201)
    await api.got("foreign", "POST", "/alerts/configs", RULE, status=201)
    other = await api.got("admin", "POST", "/alerts/configs", {**RULE, "name": "other"}, status=201)
    for name in ("errors", "slow"):
        assert (await api.refused("admin", "POST", "/alerts/configs", {**RULE, "name": name}))[:2] == (
            409,
            "name_taken",
        )
        assert (await api.refused("admin", "PATCH", f"/alerts/configs/{other['id']}", {"name": name}))[0] == 409
    await api.got("admin", "PATCH", f"/alerts/configs/{other['id']}", {"name": "other", "threshold": 1})


async def test_there_are_so_many_rules_and_no_more(api: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook, "MOST_RULES", 2)
    await api.got("admin", "POST", "/alerts/configs", RULE, status=201)
    again = await api.refused("admin", "POST", "/alerts/configs", {**RULE, "name": "other"})
    assert again == (409, "too_many_rules", "There are 2 rules already.")


async def test_the_rules_can_be_looked_at_now(api: Asked) -> None:
    made = await api.got("admin", "POST", "/alerts/configs", {**RULE, "for": "0s"}, status=201)
    api.gateway.ledger.add(*calls(at(-1), 3, seconds=1.0), *calls(at(-1), status=500, seconds=1.0))  # type: ignore[attr-defined]
    found = await api.got("admin", "POST", "/alerts/check", {})
    assert (found["at"], found["applied"]) == ("2026-11-30T12:00:00Z", False)
    assert [(one["rule"], one["value"], one["broken"]) for one in found["data"]] == [
        ("yaml:slow", 1.0, False),
        (made["id"], 0.25, True),
        ("yaml:spend", 0.0, False),
    ]
    title = "errors: error_rate is 25 % (> 5 %, 5m, model=sim)"
    assert [one["tells"] for one in found["data"]][1] == [{"channel": "ops", "kind": "firing", "title": title}]
    assert (await api.got("admin", "GET", "/alerts"))["data"] == []
    applied = await api.got("admin", "POST", "/alerts/check", {"rules": [made["id"]], "apply": True})
    assert [len(one["tells"]) for one in applied["data"]] == [1]
    assert [one["title"] for one in (await api.got("admin", "GET", "/alerts"))["data"]] == [title]
    again = await api.got("admin", "POST", "/alerts/check", {"rules": [made["id"]], "apply": True})
    assert [one["tells"] for one in again["data"]] == [[]]


async def test_a_rule_is_tried_before_it_is_saved(api: Asked) -> None:
    score = {"name": "odd", "metric": "anomaly_score", "threshold": 1}
    found = await api.got("admin", "POST", "/alerts/check", {"rule": score})
    [one] = found["data"]
    assert (one["rule"], one["value"], one["broken"], len(one["tells"])) == (None, 1.5, True, 1)
    assert (await api.refused("admin", "POST", "/alerts/check", {"rule": score, "apply": True}))[0] == 400
    assert (await api.refused("admin", "POST", "/alerts/check", {"rules": ["nobody"]}))[0] == 404
    assert (await api.refused("viewer", "POST", "/alerts/check", {}))[0] == 403


async def test_what_is_not_known_of_another_organization_is_not_said(api: Asked) -> None:
    api.watch.evaluation.unknown["yaml:spend", "globex"] = ("globex has no prices", at(1))
    for who, why in (("viewer", None), ("foreign", "globex has no prices"), ("root", "globex has no prices")):
        assert (await api.got(who, "GET", "/alerts/configs/yaml:spend"))["not_known"] == why
