"""Keys in memory: who is known until when, how soon a change is in force elsewhere, what a silent database costs."""

from __future__ import annotations

import asyncio
import random
import time
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event, text

from cognitude_plugins.gateway.accounts import keys, organizations, users
from cognitude_plugins.gateway.accounts.actor import OPERATOR
from cognitude_plugins.gateway.accounts.directory import NOT_OURS, UNKNOWN, Directory, Known
from cognitude_plugins.gateway.accounts.revision import present_revision
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.accounts.snapshot import Entry
from cognitude_plugins.gateway.accounts.tokens import digest, new_token
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import Caller, Unavailable
from tests.databases import Postgres
from tests.gateway.accounts.office import NOON, SECRETS, Office, id_of, statements


async def test_a_key_is_known_with_all_that_its_calls_need(office: Office) -> None:
    office.organization()
    office.user("ada", "viewer")
    token = office.key(role="admin", user="ada", models=("gpt-*", "claude"))
    await office.directory.load()
    known = office.directory.find(token.encode(), office.now)
    assert known == Known("acme", id_of(token), "ada", "viewer", ("gpt-*", "claude"), False)
    assert known.caller("10.0.0.9") == Caller(
        organization="acme",
        key=id_of(token),
        user="ada",
        address="10.0.0.9",
        role="viewer",
        models=("gpt-*", "claude"),
    )


async def test_a_gateway_admin_belongs_to_no_organization(office: Office) -> None:
    token = office.key(None)
    await office.directory.load()
    known = office.directory.find(token.encode(), office.now)
    assert known == Known("", id_of(token), None, "admin", None, True)


@pytest.mark.parametrize(
    ("of_key", "of_user", "effective"),
    [("admin", "admin", "admin"), ("admin", "member", "member"), ("viewer", "admin", "viewer")],
)
async def test_a_key_may_do_no_more_than_its_user(office: Office, of_key: Any, of_user: Any, effective: str) -> None:
    office.organization()
    office.user("ada", of_user)
    token = office.key(role=of_key, user="ada")
    await office.directory.load()
    known = office.directory.find(token.encode(), office.now)
    assert isinstance(known, Known)
    assert known.role == effective


async def test_what_is_not_of_our_format_is_told_from_what_is_wrong(office: Office) -> None:
    office.organization()
    token = office.key()
    await office.directory.load()
    assert office.directory.find(b"sk-proj-something", office.now) is NOT_OURS
    assert office.directory.find(token[:-1].encode() + b"\xff", office.now) is NOT_OURS
    assert office.directory.find(new_token().text, office.now) is UNKNOWN, "an id that is not there"
    assert office.directory.find(new_token(id_of(token)).text, office.now) is UNKNOWN, "another secret for that id"


async def test_a_key_ends_at_its_expiry(office: Office) -> None:
    office.organization()
    token = office.key(expires_ms=round(NOON * 1000) + 60_000)
    await office.directory.load()
    office.now = NOON + 59.9
    assert office.knows(token)
    office.now = NOON + 60.0
    assert not office.knows(token)


async def test_what_is_revoked_or_disabled_in_one_process_is_refused_in_the_other(office: Office) -> None:
    office.organization()
    office.organization("other")
    user = office.user("ada")
    revoked, of_user, plain = office.key(), office.key(user="ada"), office.key()
    elsewhere, other = office.key("other"), office.another()
    await other.load()
    assert all(office.knows(token, other) for token in (revoked, of_user, plain, elsewhere))

    office.revoke(revoked)
    assert await other.refresh()
    assert [office.knows(token, other) for token in (revoked, of_user, plain)] == [False, True, True]

    write = office.storage.write_now
    write(lambda connection: users.change(connection, OPERATOR, user, {"status": "disabled"}))
    assert await other.refresh()
    assert [office.knows(token, other) for token in (of_user, plain)] == [False, True]

    write(lambda connection: organizations.change(connection, OPERATOR, "acme", {"status": "disabled"}))
    assert await other.refresh()
    assert [office.knows(token, other) for token in (of_user, plain, elsewhere)] == [False, False, True]

    write(lambda connection: organizations.change(connection, OPERATOR, "acme", {"status": "active"}))
    write(lambda connection: users.change(connection, OPERATOR, user, {"status": "active"}))
    assert await other.refresh()
    assert [office.knows(token, other) for token in (revoked, of_user, plain, elsewhere)] == [False, True, True, True]
    assert not await other.refresh(), "nothing new"


async def test_a_change_made_elsewhere_is_in_force_within_five_seconds(office: Office) -> None:
    office.organization()
    token, other = office.key(), office.another()
    await other.load()
    running = asyncio.create_task(other.run())
    try:
        office.revoke(token)
        started = time.monotonic()
        while office.knows(token, other):
            assert time.monotonic() - started < 5.0
            await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_rotated_secret_works_until_its_overlap_ends(office: Office) -> None:
    office.organization()
    first = office.key()
    second = office.rotate(first, 600)
    assert id_of(first) == id_of(second)
    await office.directory.load()
    assert [office.knows(token) for token in (first, second)] == [True, True]
    office.now = NOON + 599.9
    assert [office.knows(token) for token in (first, second)] == [True, True]
    office.now = NOON + 600.0
    assert [office.knows(token) for token in (first, second)] == [False, True]


async def test_rotated_again_within_the_overlap_the_oldest_stops_at_once(office: Office) -> None:
    office.organization()
    first = office.key()
    second = office.rotate(first, 600)
    third = office.rotate(first, 600)
    await office.directory.load()
    assert [office.knows(token) for token in (first, second, third)] == [False, True, True]
    fourth = office.rotate(first, 0)
    await office.directory.refresh()
    assert [office.knows(token) for token in (first, second, third, fourth)] == [False, False, False, True]
    office.revoke(first)
    await office.directory.refresh()
    assert not office.knows(fourth)


async def test_the_old_secret_of_a_rotated_key_ends_with_the_key(office: Office) -> None:
    office.organization()
    first = office.key(expires_ms=round(NOON * 1000) + 60_000)
    second = office.rotate(first, 600)
    await office.directory.load()
    office.now = NOON + 60.0
    assert [office.knows(token) for token in (first, second)] == [False, False]


async def test_keys_hashed_under_an_older_secret_key_work_while_it_is_configured(each_database: Storage) -> None:
    old, new = SecretKey.of("the secret key of the year before"), SecretKey.of("the secret key of this year")
    before = Office(each_database, SecretKeys([old]))
    before.organization()
    token = before.key()
    after = Office(each_database, SecretKeys([new, old]))
    await after.directory.load()
    assert after.knows(token)
    fresh = after.rotate(token, 600)
    await after.directory.refresh()
    assert after.knows(token)
    assert after.knows(fresh)
    without = Office(each_database, SecretKeys([new]))
    await without.directory.load()
    assert [without.knows(one) for one in (token, fresh)] == [False, True]
    gone = Office(each_database, SecretKeys([old]))
    await gone.directory.load()
    assert not gone.knows(fresh)
    assert gone.directory.status() == {"status": "degraded", "keys": 0, "unreadable_keys": 1}


async def test_keys_that_are_refused_for_want_of_their_secret_key_are_said_once(
    each_database: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = SecretKey.of("old-" * 8), SecretKey.of("new-" * 8)
    before = Office(each_database, SecretKeys([old]))
    before.organization()
    before.key()
    after = Office(each_database, SecretKeys([new]))
    await after.directory.load()
    said = "1 keys are refused: they were made under a secret key that is not in gateway.secret_keys"
    assert caplog.messages == [said]
    before.organization("other")
    assert await after.directory.refresh()
    assert caplog.messages == [said], "it is the same still"
    before.key()
    await after.directory.refresh()
    assert caplog.messages == [said, said.replace("1", "2")]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


async def test_a_key_made_elsewhere_a_moment_ago_is_caught_up_with(office: Office) -> None:
    office.organization()
    await office.directory.load()
    token = office.key()
    assert not office.knows(token)
    assert await office.directory.catch_up()
    assert office.knows(token)
    assert not await office.directory.catch_up()
    await office.directory.close()


async def test_unknown_keys_ask_the_database_five_times_a_second_at_most(office: Office) -> None:
    """However many come: all who wait share the answer."""
    await office.directory.load()
    with statements(office.storage) as seen:
        started = time.monotonic()
        waits = []
        while time.monotonic() - started < 1.0:
            waits += [asyncio.create_task(office.directory.catch_up()) for _ in range(50)]
            await asyncio.sleep(0.02)
        assert not any(await asyncio.gather(*waits))
        took = time.monotonic() - started
    polls = sum(1 for statement in seen if "account_revision" in statement)
    assert len(waits) > 500
    assert 3 <= polls <= took / 0.2 + 1.01
    await office.directory.close()


async def test_who_asks_while_a_poll_is_under_way_gets_one_that_began_after_him(office: Office) -> None:
    """The one under way has read the database already, and knows nothing of a key that is made now."""
    office.organization()
    await office.directory.load()
    read, made = Event(), Event()

    def hold(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT account_revision") and not made.is_set():
            read.set()
            made.wait(10)

    event.listen(office.storage.engine, "after_cursor_execute", hold)
    first = asyncio.create_task(office.directory.catch_up())
    await asyncio.to_thread(read.wait, 10)
    token = await asyncio.to_thread(office.key)
    second = asyncio.create_task(office.directory.catch_up())
    await asyncio.sleep(0)
    made.set()
    assert await second
    assert office.knows(token)
    await first
    event.remove(office.storage.engine, "after_cursor_execute", hold)
    await office.directory.close()


async def test_when_a_key_was_used_is_written_down_later_and_changes_no_revision(office: Office) -> None:
    office.organization()
    token, unused = office.key(), office.key()
    await office.directory.load()
    with statements(office.storage) as seen:
        for second in range(100):
            office.now = NOON + second
            assert office.knows(token)
        assert seen == [], "never while a request waits"
        before = office.storage.read_now(present_revision)
        await office.directory.flush()
        writes = [statement for statement in seen if statement.startswith("UPDATE")]
        assert len(writes) == 1
    assert office.storage.read_now(present_revision) == before
    page = office.storage.read_now(lambda connection: keys.find(connection, OPERATOR, id_of(token)))
    assert page.last_used_ms == round((NOON + 99) * 1000)
    assert office.storage.read_now(lambda c: keys.find(c, OPERATOR, id_of(unused))).last_used_ms is None


async def test_an_earlier_use_noted_elsewhere_does_not_replace_a_later_one(office: Office) -> None:
    office.organization()
    token, other = office.key(), office.another()
    await office.directory.load()
    await other.load()
    assert office.knows(token, other)
    office.now = NOON + 50
    assert office.knows(token)
    await office.directory.flush()
    await other.close()
    used = office.storage.read_now(lambda connection: keys.find(connection, OPERATOR, id_of(token))).last_used_ms
    assert used == round((NOON + 50) * 1000)


async def test_a_database_put_back_to_an_earlier_state_is_read_anew(office: Office) -> None:
    office.organization()
    kept, lost = office.key(), office.key()
    await office.directory.load()
    for statement in ("DELETE FROM api_key WHERE id = :id", "UPDATE account_revision SET value = value - 1"):
        values = {"id": id_of(lost)} if ":id" in statement else {}
        office.storage.write_now(lambda connection, one=statement, of=values: connection.execute(text(one), of) and 0)
    assert await office.directory.refresh()
    assert [office.knows(token) for token in (kept, lost)] == [True, False]


async def test_tables_that_are_gone_end_nothing(office: Office) -> None:
    office.organization()
    token = office.key()
    await office.directory.load()
    office.storage.write_now(
        lambda connection: connection.execute(text("ALTER TABLE account_revision RENAME TO away")) and 0
    )
    assert not await office.directory.refresh()
    assert office.directory.stale_since == NOON
    assert office.knows(token)
    office.storage.write_now(
        lambda connection: connection.execute(text("ALTER TABLE away RENAME TO account_revision")) and 0
    )
    assert not await office.directory.refresh()
    assert office.directory.stale_since is None


@pytest.mark.parametrize("nonsense", ["models = 'not json'", "role = 'emperor'"])
async def test_a_row_that_makes_no_sense_is_refused_alone(
    office: Office, nonsense: str, caplog: pytest.LogCaptureFixture
) -> None:
    office.organization()
    good, bad = office.key(), office.key()
    change = f"UPDATE api_key SET {nonsense} WHERE id = :id"
    office.storage.write_now(lambda connection: connection.execute(text(change), {"id": id_of(bad)}) and 0)
    await office.directory.load()
    assert [office.knows(token) for token in (good, bad)] == [True, False]
    assert id_of(bad) in caplog.text


async def test_while_the_database_is_silent_keys_stay_in_force(
    postgres: Postgres, postgres_url: str, tmp_path: Any
) -> None:
    storage = Storage(postgres_url, timeout=0.3)
    upgrade(storage, tmp_path / "lock")
    office = Office(storage)
    office.organization()
    token = office.key()
    await office.directory.load()
    assert office.directory.stale_since is None
    with postgres.frozen():
        office.now = NOON + 5
        assert not await office.directory.refresh()
        assert office.directory.stale_since == NOON + 5
        office.now = NOON + 9
        assert not await office.directory.refresh()
        assert office.directory.stale_since == NOON + 5, "since the first time"
        assert office.directory.status() == {"status": "degraded", "keys": 1, "stale_seconds": 4.0}
        assert office.knows(token)
        started = time.monotonic()
        assert not await office.directory.catch_up()
        assert time.monotonic() - started < 0.1, "nobody waits for a database that is known to be gone"
        await office.directory.flush()
        with pytest.raises(Unavailable):
            await office.another().load()
    office.revoke(token)
    assert await office.directory.refresh()
    assert office.directory.stale_since is None
    assert not office.knows(token)
    await office.directory.flush()
    used = office.storage.read_now(lambda connection: keys.find(connection, OPERATOR, id_of(token))).last_used_ms
    assert used == round((NOON + 9) * 1000), "kept while it could not be written"
    storage.close()


HOSTILE = (
    "' OR '1'='1",
    "'; DROP TABLE api_key; --",
    '" OR ""="',
    "cog_",
    "cog_%s_%s",
    "cog_{id}_{secret}",
    "%00",
    "\x00",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "' UNION SELECT digest FROM api_key --",
    "cog_0000000000000000_' OR 1=1 --",
    "\\'; DELETE FROM organization; --",
    ":id",
    "?",
    "$1",
    "é" * 40,
    "A" * 10_000,
)


def hostile(number: int = 500) -> list[str]:
    """The list, and pieces of it put together, some of them in tokens whose checksum is right."""
    chance = random.Random(7)
    made = list(HOSTILE)
    while len(made) < number:
        made.append("".join(chance.choice(HOSTILE)[:40] for _ in range(chance.randint(1, 4))) + str(len(made)))
    return made


async def test_hostile_strings_are_nobodys_key_and_never_reach_the_database(office: Office) -> None:
    """S1 of the look-up: it is in memory alone, and what a look-up leads to asks for a revision."""
    office.organization()
    office.key()
    await office.directory.load()
    with statements(office.storage) as seen:
        for one in hostile():
            assert office.directory.find(one.encode("utf-8", "replace"), office.now) is NOT_OURS
        for _ in range(100):
            assert office.directory.find(new_token().text, office.now) is UNKNOWN
        assert seen == []
        await office.directory.catch_up()
        assert seen
        assert not [text for text in seen if "cog_" in text]
    await office.directory.close()


class Guarded(bytes):
    """May be compared by `hmac.compare_digest` and by nothing that stops at the first difference."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared byte by byte")

    __hash__ = bytes.__hash__


def test_digests_are_compared_in_constant_time() -> None:
    """S14, of the present secret and of the one before."""
    one, before, wrong = (new_token().text for _ in range(3))
    known = Known("acme", "k", None, "member", None, False)
    entry = Entry(known, b"p", Guarded(digest(b"p", one)), b"q", Guarded(digest(b"q", before)), NOON + 1)
    assert [entry.accepts(token, NOON) for token in (one, before, wrong)] == [True, True, False]


async def test_nothing_of_a_key_is_in_what_the_directory_shows(office: Office) -> None:
    office.organization()
    token = office.key()
    await office.directory.load()
    shown = repr(office.directory.find(token.encode(), office.now)) + repr(office.directory._snapshot)
    shown += repr(office.directory._snapshot.entries[id_of(token)])
    assert token[21:] not in shown
    assert repr(SECRETS.current.pepper) not in shown


def test_a_directory_needs_no_loop_and_no_database_to_be_made(tmp_path: Any) -> None:
    storage = Storage(f"sqlite:///{tmp_path / 'none.db'}")
    assert Directory(storage, SECRETS).find(new_token().text, NOON) is UNKNOWN
    assert not list(tmp_path.iterdir())
