"""Organizations' keys in a process: whose is used for whom, and how soon a change made elsewhere is in force."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cognitude_plugins.gateway.accounts.credential import Credential
from cognitude_plugins.gateway.accounts.credentials import Credentials
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.providers import ProviderError, Target
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import Deployment, Unavailable
from tests.databases import Postgres

SECRETS = SecretKeys([SecretKey.of("secret-" * 6)])


def target(id: str = "m", provider: str = "openai", **fields: Any) -> Target:
    deployment = Deployment(id=id, model=id, provider=provider, upstream_model="gpt", transport="direct")
    return Target(deployment=deployment, base_url="https://api.openai.com/v1", api_key="sk-gateways", **fields)


def credential(organization: str = "acme", api_key: str = "sk-acme", **fields: Any) -> Credential:
    return Credential(**{"organization": organization, "provider": "openai", "api_key": api_key, **fields})


async def loaded(storage: Storage) -> Credentials:
    made = Credentials(storage, SECRETS)
    await made.load()
    return made


async def test_an_organizations_own_key_comes_before_the_gateways(each_database: Storage) -> None:
    credentials, plain = await loaded(each_database), target()
    assert credentials.target_for("acme", plain) is plain
    await credentials.put(credential())
    assert credentials.target_for("acme", plain).api_key == "sk-acme"
    assert credentials.target_for("other", plain) is plain
    other = target(provider="groq")
    assert credentials.target_for("acme", other) is other
    assert credentials.find("acme", "openai") == credential()
    assert credentials.find("acme", "groq") is None
    assert credentials.find("other", "openai") is None


async def test_disabled_or_deleted_it_is_the_gateways_again(each_database: Storage) -> None:
    credentials, plain = await loaded(each_database), target()
    await credentials.put(credential())
    await credentials.put(credential(), enabled=False)
    assert credentials.target_for("acme", plain) is plain
    await credentials.put(credential())
    assert credentials.target_for("acme", plain).api_key == "sk-acme"
    assert await credentials.remove("acme", "openai")
    assert not await credentials.remove("acme", "openai")
    assert credentials.target_for("acme", plain) is plain
    assert await credentials.listed("acme") == []
    assert credentials._targets == {}, "nothing of the key is kept"


async def test_a_target_is_made_once_and_anew_after_a_change(each_database: Storage) -> None:
    credentials, plain = await loaded(each_database), target()
    await credentials.put(credential())
    first = credentials.target_for("acme", plain)
    await credentials.put(credential("other", "sk-other"))
    assert credentials.target_for("acme", plain) is first
    assert credentials.target_for("other", plain).api_key == "sk-other"
    assert credentials.target_for("acme", replace(plain, api_key="sk-reloaded")) is not first
    await credentials.put(credential(api_key="sk-newer"))
    assert credentials.target_for("acme", plain).api_key == "sk-newer"


async def test_every_process_goes_by_a_change_after_its_next_refresh(each_database: Storage) -> None:
    one, two = await loaded(each_database), await loaded(each_database)
    await one.put(credential())
    assert two.find("acme", "openai") is None
    assert await two.refresh()
    assert two.find("acme", "openai") == credential()
    assert not await two.refresh()
    await one.put(credential(api_key="sk-newer"))
    await two.refresh()
    assert two.target_for("acme", target()).api_key == "sk-newer"
    await one.remove("acme", "openai")
    await two.refresh()
    assert two.find("acme", "openai") is None
    assert repr(two) == "Credentials(0 of 0 organizations)"


async def test_what_was_known_stays_while_the_database_is_gone(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    storage = Storage(postgres_url, timeout=0.3)
    upgrade(storage, tmp_path / "lock")
    credentials = await loaded(storage)
    await credentials.put(credential())
    with postgres.frozen():
        assert await credentials.refresh() is False
        with pytest.raises(Unavailable):
            await credentials.remove("acme", "openai")
        assert credentials.target_for("acme", target()).api_key == "sk-acme"
    await credentials.remove("acme", "openai")
    assert credentials.find("acme", "openai") is None
    storage.close()


async def test_what_was_known_stays_while_a_table_is_missing(each_database: Storage) -> None:
    """The process goes on asking; it does not give up for good."""
    one, two = await loaded(each_database), await loaded(each_database)
    await one.put(credential())
    await two.refresh()
    each_database.write_now(lambda c: c.execute(text("ALTER TABLE provider_credential RENAME TO away")) and 0)
    each_database.write_now(lambda c: c.execute(text("UPDATE account_revision SET value = value + 1")) and 0)
    assert await two.refresh() is False
    assert two.target_for("acme", target()).api_key == "sk-acme"
    each_database.write_now(lambda c: c.execute(text("ALTER TABLE away RENAME TO provider_credential")) and 0)
    await one.put(credential(api_key="sk-new"))
    assert await two.refresh()
    assert two.target_for("acme", target()).api_key == "sk-new"


async def test_a_database_put_back_to_an_earlier_state_takes_back_what_came_since(each_database: Storage) -> None:
    credentials = await loaded(each_database)
    await credentials.put(credential("other", "sk-other"))
    await credentials.put(credential())
    credentials.target_for("acme", target())
    each_database.write_now(
        lambda sql: sql.execute(text("DELETE FROM provider_credential WHERE organization = 'acme'"))
    )
    each_database.write_now(lambda sql: sql.execute(text("UPDATE account_revision SET value = 1")))
    assert await credentials.refresh()
    assert credentials.find("acme", "openai") is None
    assert credentials.target_for("acme", target()).api_key == "sk-gateways"
    assert credentials.find("other", "openai") == credential("other", "sk-other")


async def test_a_key_that_does_not_open_fails_its_organizations_calls_only(each_database: Storage) -> None:
    credentials = await loaded(each_database)
    await credentials.put(credential())
    elsewhere = Credentials(each_database, SecretKeys([SecretKey.of("another-" * 5)]))
    await elsewhere.load()
    with pytest.raises(ProviderError) as caught:
        elsewhere.target_for("acme", target())
    assert caught.value.reason == "credential"
    assert elsewhere.target_for("other", target()).api_key == "sk-gateways"


async def test_concurrent_changes_and_refreshes_end_in_the_last_state(each_database: Storage) -> None:
    one, two = await loaded(each_database), await loaded(each_database)
    for number in range(10):
        await asyncio.gather(
            one.put(credential(api_key=f"sk-{number}")),
            two.put(credential("other", f"sk-other-{number}")),
            *(each.refresh() for each in (one, two, one, two)),
        )
    for each in (one, two):
        await each.refresh()
        assert each.target_for("acme", target()).api_key == "sk-9"
        assert each.target_for("other", target()).api_key == "sk-other-9"


async def test_the_cache_of_targets_is_bounded(sqlite_url: str, tmp_path: Path) -> None:
    storage = Storage(sqlite_url)
    upgrade(storage, tmp_path / "lock")
    credentials = await loaded(storage)
    await credentials.put(credential())
    for number in range(10_050):
        credentials.target_for("acme", target(f"m{number}"))
    assert len(credentials._targets) == 10_000
    storage.close()


async def test_who_has_no_key_of_his_own_pays_next_to_nothing(each_database: Storage) -> None:
    credentials, plain = await loaded(each_database), target()
    await credentials.put(credential())
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(10_000):
            credentials.target_for("other", plain)
        took.append(time.perf_counter() - began)
    assert min(took) / 10_000 < 2e-6
