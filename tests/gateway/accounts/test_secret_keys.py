"""The gateway's own secrets: where they come from, what is derived from them, and that one database has one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys, agree
from cognitude_plugins.gateway.storage.database import Storage
from hooks import ConfigError

ONE, TWO, THREE = "one-" * 10, "two-" * 10, "three-" * 8


def keys(*secrets: str) -> SecretKeys:
    return SecretKeys([SecretKey.of(secret) for secret in secrets])


def test_a_secret_always_gives_the_same_keys_and_another_gives_others() -> None:
    assert SecretKey.of(ONE) == SecretKey.of(ONE + "\n")
    first, second = SecretKey.of(ONE), SecretKey.of(TWO)
    derived = [first.pepper, first.sealing, second.pepper, second.sealing]
    assert [len(key) for key in derived] == [32, 32, 32, 32]
    assert len(set(derived)) == 4
    assert first.id != second.id
    assert len(first.id) == 12


def test_what_is_derived_never_changes() -> None:
    """A database outlives every version: with another derivation no client key and no credential would be good."""
    key = SecretKey.of("0123456789abcdef0123456789abcdef")
    assert key.id == "c1cbda995203"
    assert key.pepper.hex() == "b12b6bb9aa02b6bde7c44f45b48a7dea8dca659c31fab7cf1a9e2ded0333c324"
    assert key.sealing.hex() == "8990d2faba4e10b6466040dea1b6223966df18ed99879e005d44802c386d2db0"


def test_neither_the_secret_nor_what_is_derived_is_shown() -> None:
    shown = repr(keys(ONE, TWO)) + repr(SecretKey.of(ONE)) + str(SecretKey.of(TWO))
    assert shown.startswith(f"SecretKeys({SecretKey.of(ONE).id}, {SecretKey.of(TWO).id})")
    for secret in (SecretKey.of(ONE), SecretKey.of(TWO)):
        for material in (secret.pepper, secret.sealing):
            assert repr(material) not in shown
            assert material.hex() not in shown
    assert "one-" not in shown


def test_the_first_configured_secret_is_for_what_is_new_and_no_file_is_made(tmp_path: Path) -> None:
    loaded = SecretKeys.load([TWO, ONE], tmp_path / "secret.key")
    assert loaded.current == SecretKey.of(TWO)
    assert loaded.get(SecretKey.of(ONE).id) == SecretKey.of(ONE)
    assert loaded.get("000000000000") is None
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_made_where_there_is_none_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret.key"
    made = SecretKeys.load([], file)
    assert SecretKeys.load([], file).current == made.current
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]
    assert SecretKeys.load([], tmp_path / "other.key").current != made.current


def test_the_content_of_the_file_may_be_moved_into_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    made = SecretKeys.load([], file)
    assert SecretKeys.load([file.read_text().strip()], tmp_path / "none").current == made.current


LOADING = """
import sys, time
from pathlib import Path
from cognitude_plugins.gateway.accounts.secret_keys import SecretKeys
import cryptography.hazmat.primitives.kdf.hkdf
time.sleep(max(0, float(sys.argv[2]) - time.time()))
print(SecretKeys.load([], Path(sys.argv[1])).current.id)
"""


def test_processes_that_start_at_once_end_up_with_one_secret(tmp_path: Path) -> None:
    begin = str(time.time() + 1.5)
    command = [sys.executable, "-c", LOADING, str(tmp_path / "secret.key"), begin]
    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(lambda _: subprocess.check_output(command, text=True), range(6)))
    assert len(set(done)) == 1


def test_threads_that_race_end_up_with_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for number in range(30):
            file = tmp_path / str(number) / "secret.key"
            found = list(threads.map(lambda _, file=file: SecretKeys.load([], file).current.id, range(8)))
            assert len(set(found)) == 1
            assert len(list(file.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "has 0"), (b"short\n", "has 5"), (b"\xff" * 40, "is not text"), (b"a" * 5000, "4096")],
)
def test_a_file_that_holds_no_secret_is_refused_by_its_name(tmp_path: Path, content: bytes, rule: str) -> None:
    file = tmp_path / "secret.key"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=rule) as caught:
        SecretKeys.load([], file)
    assert str(file) in str(caught.value)
    assert "short" not in str(caught.value)
    assert file.read_bytes() == content, "it is never made anew over what is there"


def test_a_file_that_cannot_be_read_or_made_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\)"):
        SecretKeys.load([], tmp_path / "secret.key")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"secret\.key cannot be"):
        SecretKeys.load([], tmp_path / "file" / "secret.key")
    with pytest.raises(ConfigError, match=r"cannot be made.*gateway.secret_keys"):
        SecretKeys.load([], Path("/proc/secret.key"))


def test_a_file_that_others_can_read_is_used_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "secret.key"
    file.write_text(ONE)
    os.chmod(file, 0o640)
    with caplog.at_level(logging.WARNING):
        SecretKeys.load([], file)
    assert f"{file} can be read by others (mode 640)" in caplog.text
    assert ONE not in caplog.text
    caplog.clear()
    os.chmod(file, 0o600)
    SecretKeys.load([], file)
    assert caplog.text == ""


def known(storage: Storage) -> list[str]:
    return storage.read_now(lambda sql: list(sql.execute(text("SELECT id FROM secret_key ORDER BY id")).scalars()))


def agreed(storage: Storage, secrets: SecretKeys) -> None:
    storage.write_now(lambda connection: agree(connection, secrets))


def test_a_database_takes_the_first_key_and_then_its_successors(each_database: Storage) -> None:
    for secrets in (keys(ONE), keys(ONE), keys(TWO, ONE), keys(THREE, TWO), keys(TWO)):
        agreed(each_database, secrets)
    assert known(each_database) == sorted(SecretKey.of(secret).id for secret in (ONE, TWO, THREE))


def test_a_machine_with_another_key_is_told_so_and_notes_nothing(each_database: Storage) -> None:
    agreed(each_database, keys(ONE))
    with pytest.raises(ConfigError, match="another secret key") as caught:
        agreed(each_database, keys(TWO, THREE))
    assert SecretKey.of(ONE).id in str(caught.value)
    assert SecretKey.of(TWO).id in str(caught.value)
    assert known(each_database) == [SecretKey.of(ONE).id]


def test_of_machines_that_start_at_once_with_different_keys_one_is_let_in(each_database: Storage) -> None:
    """The second asks while the first has not committed yet."""
    written = threading.Event()

    def slowly(connection: Connection) -> None:
        agree(connection, keys(ONE))
        written.set()
        time.sleep(0.3)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(each_database.write_now, slowly)
        assert written.wait(5)
        with pytest.raises(ConfigError, match="another secret key"):
            agreed(each_database, keys(TWO))
        first.result()
    assert known(each_database) == [SecretKey.of(ONE).id]
