"""Exports: every row, in every format, and no half file."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from cognitude_plugins.gateway.ledger.batch import Part, store
from cognitude_plugins.gateway.ledger.export import NAMES, Format, replacing, rows, write
from cognitude_plugins.gateway.ledger.records import parse
from cognitude_plugins.gateway.ledger.row import COLUMNS, Row
from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.ledger.book import NOON, random_rows, row

ODD = row("odd", user='=1+1, "a"\n; ö', route="@x", tags={"a": '"'}, time_ms=NOON + 7, stream=True)
ROWS = sorted([*random_rows(99, 1), ODD], key=lambda one: (one.time_ms, one.id))


@pytest.fixture
def ledger(each_database: Storage) -> Storage:
    part = Part(segment="one", start=0, end=len(ROWS), rows=[parse(one.encode()) for one in ROWS])
    each_database.write_now(lambda connection: store(connection, [part], NOON))
    return each_database


def exported(ledger: Storage, format: Format, organization: str | None = None) -> bytes:
    file, told = io.BytesIO(), list[int]()
    count = write(rows(ledger, organization, 0, 2**62, size=7), file, format, told.append)
    assert count == told[-1] == sum(organization in (None, one.organization) for one in ROWS)
    return file.getvalue()


def as_json(one: Row) -> dict[str, Any]:
    time = datetime.fromtimestamp(one.time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": one.id, "time": time, **json.loads(one.encode())}


def test_json_lines_are_the_rows_in_order(ledger: Storage) -> None:
    lines = exported(ledger, "jsonl").decode().splitlines()
    assert [json.loads(line) for line in lines] == [as_json(one) for one in ROWS]
    assert list(json.loads(lines[0])) == list(NAMES)


def test_csv_has_a_header_and_text_as_it_is(ledger: Storage) -> None:
    found = list(csv.DictReader(io.StringIO(exported(ledger, "csv").decode(), newline="")))
    assert list(found[0]) == list(NAMES)
    [odd] = [line for line in found if line["id"] == "odd"]
    assert (odd["user"], odd["tags"], odd["stream"], odd["complexity"]) == (ODD.user, '{"a":"\\""}', "true", "")
    assert odd["time"] == "2026-01-15T12:00:00.007Z"
    assert [line["id"] for line in found] == [one.id for one in ROWS]


def test_parquet_has_types(ledger: Storage) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(exported(ledger, "parquet")))
    kinds = {field.name: field.type for field in table.schema}
    assert tuple(kinds) == NAMES
    assert kinds["time"] == pyarrow.timestamp("ms", tz="UTC")
    assert kinds["cost_nano_usd"] == pyarrow.int64()
    assert kinds["stream"] == pyarrow.bool_()
    assert kinds["user"] == pyarrow.string()
    assert not table.schema.field("id").nullable
    found = table.to_pylist()
    for one, line in zip(ROWS, found, strict=True):
        assert line["time"] == datetime.fromtimestamp(one.time_ms / 1000, UTC)
        expected = {name: getattr(one, name) for name in COLUMNS if name != "tags"}
        assert {name: line[name] for name in expected} == expected
        assert json.loads(line["tags"]) == one.tags


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_of_one_organization_there_are_only_its_rows(ledger: Storage, format: Format) -> None:
    data = exported(ledger, format, "globex")
    assert b"acme" not in data
    assert b"globex" in data


def test_no_rows_make_a_file_without_rows(ledger: Storage) -> None:
    for format, expected in (("jsonl", b""), ("csv", (",".join(NAMES) + "\r\n").encode())):
        file = io.BytesIO()
        assert write(rows(ledger, "nobody", 0, 2**62), file, format, lambda count: None) == 0  # type: ignore[arg-type]
        assert file.getvalue() == expected
    file = io.BytesIO()
    assert write(rows(ledger, "nobody", 0, 2**62), file, "parquet", lambda count: None) == 0
    assert pyarrow.parquet.read_table(io.BytesIO(file.getvalue())).num_rows == 0


def test_since_is_included_and_until_is_not(ledger: Storage) -> None:
    found = [one["id"] for batch in rows(ledger, None, NOON + 7, NOON + 8) for one in batch]
    assert found == ["odd"]
    assert list(rows(ledger, None, NOON + 8, NOON + 7)) == []


def test_a_file_is_replaced_when_all_is_written_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"%d" % (1 // file.write(b"")))
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "new"


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    link.symlink_to("there")
    for text in (b"one", b"two"):
        with replacing(link) as file:
            file.write(text)
        assert there.read_bytes() == text
    assert link.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "there"]


def test_a_file_that_only_its_owner_may_read_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch(mode=0o600)
    with replacing(path) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_pipe_is_written_and_stays(ledger: Storage, tmp_path: Path, format: Format) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reading = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reading.start()
    with replacing(path) as file:
        write(rows(ledger, None, 0, 2**62), file, format, lambda count: None)
    reading.join(10)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_and_stays() -> None:
    """A terminal: where they lie no file can be put in their place, whatever this code does."""
    terminal, side = os.openpty()
    path = Path(os.ttyname(side))
    with replacing(path) as file:
        file.write(b"new")
    assert os.read(terminal, 9) == b"new"
    assert stat.S_ISCHR(path.stat().st_mode)
    os.close(side)
    os.close(terminal)


@pytest.mark.parametrize("name", [".", "nowhere/out", "loop"])
def test_an_error_names_the_path_that_was_given(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    path = tmp_path / name
    with pytest.raises(OSError, match=re.escape(repr(str(path)))), replacing(path) as file:
        file.write(b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["loop"]


def test_an_error_while_it_is_written_names_the_path_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(OSError, match=re.escape(repr(str(path)))), replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError, match="another"), replacing(path):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "another")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("out", "old")]
