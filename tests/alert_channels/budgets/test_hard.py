"""Hard budgets become ceilings."""

from __future__ import annotations

from datetime import UTC, datetime

from cognitude_plugins.alert_channels.budgets.hard import ceilings, publish
from hooks import EVERY_ORGANIZATION, Ceiling
from hooks.testing import FakeGateway
from tests.alert_channels.budgets.made import USD, budget, owned

GATEWAY = FakeGateway(time_zones={"acme": "Europe/Berlin", "globex": "UTC"})


def test_only_hard_and_enabled_ones_are() -> None:
    found = [owned(budget()), owned(budget("off", hard=True, enabled=False)), owned(budget("hard", 5, hard=True))]
    assert ceilings(found, GATEWAY.organizations(), GATEWAY.time_zone) == [
        Ceiling(id="budget_hard", organization="acme", nano_usd=5 * USD, per="month", name="hard")
    ]


def test_one_of_every_organization_is_one_for_each() -> None:
    one = owned(budget(hard=True, scope="user", value="ada", status=429), EVERY_ORGANIZATION)
    found = ceilings([one], GATEWAY.organizations(), GATEWAY.time_zone)
    assert [(each.organization, each.scope, each.value, each.status) for each in found] == [
        ("acme", "user", "ada", 429),
        ("globex", "user", "ada", 429),
    ]


def test_a_total_is_from_its_day_in_the_organizations_zone() -> None:
    [found] = ceilings([owned(budget(per="total", since="2026-07-01", hard=True))], (), GATEWAY.time_zone)
    assert found.since == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_what_has_not_changed_is_not_published_anew() -> None:
    hard = [owned(budget(hard=True))]
    publish(GATEWAY, "alerts", hard)
    version = GATEWAY.ceilings.version
    publish(GATEWAY, "alerts", [owned(budget(hard=True))])
    assert GATEWAY.ceilings.version == version
    publish(GATEWAY, "alerts", [owned(budget(amount=101, hard=True))])
    assert GATEWAY.ceilings.version == version + 1
    assert not publish(GATEWAY, "alerts", [])
    assert GATEWAY.ceilings.all() == ()
