"""Tests of channels: only so many at once, so that they do not take everybody's connections."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.delivery.probe import MOST
from tests.alert_channels.opened import opened
from tests.alert_channels.receivers import receiving, silent
from tests.borrowed import sqlite_tables


async def test_an_organization_has_a_few_under_way_and_the_others_theirs(tmp_path: Path) -> None:
    with closing(sqlite_tables(tmp_path, plugin)) as tables:
        async with receiving(silent) as slow, opened(tables.lent(), {"delivery": {"timeout_seconds": 1}}) as office:
            mine = (await office.made("admin", "mine", "webhook", {"url": slow.url()}))["id"]
            other = (await office.made("foreign", "other", "webhook", {"url": slow.url()}))["id"]
            asked = [("admin", mine)] * (MOST + 1) + [("foreign", other)]
            found = await asyncio.gather(*(office(who, "POST", f"test/{id}", {}) for who, id in asked))
            assert sorted(one.status_code for one in found) == [*[200] * (MOST + 1), 429]
            assert found[-1].status_code == 200
            assert (await office("admin", "POST", f"test/{mine}", {})).status_code == 200, "those have ended"
