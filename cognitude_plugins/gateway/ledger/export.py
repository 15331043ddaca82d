"""The rows of the ledger in a file: JSON lines, CSV or Parquet, batch by batch."""

from __future__ import annotations

import csv
import io
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Literal

import orjson
from sqlalchemy import BigInteger, Boolean

from ..storage.database import Storage
from . import queries
from .row import COLUMNS
from .tables import CALLS

Format = Literal["jsonl", "csv", "parquet"]
Rows = list[dict[str, Any]]

BATCH: Final = 5000
NAMES: Final = ("id", "time", *COLUMNS[1:])
"""The columns of a `Row` with the time in ISO 8601 beside it."""


def rows(
    storage: Storage, organization: str | None, since_ms: int, until_ms: int, *, size: int = BATCH
) -> Iterator[Rows]:
    """Of one organization, None for all, in the order of their arrival; a short transaction each. Raises `Unavailable`.

    ``tags`` is still JSON text.
    """
    after: tuple[int, str] | None = None
    while True:
        asked = queries.calls(organization, since_ms, until_ms, after, size)
        found = storage.read_now(partial(_fetched, asked=asked), patient=True)
        if not found:
            return
        yield found
        after = (found[-1]["time_ms"], found[-1]["id"])


def write(batches: Iterable[Rows], file: IO[bytes], format: Format, progress: Callable[[int], None]) -> int:
    """How many rows; ``progress`` is told after each batch. ``OSError`` where the file cannot be written."""
    return _WRITERS[format](_told(batches, progress), file)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` when all of it is written; after an error nothing is there or changed.

    Of a symbolic link what it leads to is replaced. What is there and no file, such as a pipe or a device, is written
    as it is. An ``OSError`` names ``path``.
    """
    place = Path(os.path.realpath(path))
    hidden = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            with path.open("wb") as file:
                yield file
            return
        with hidden.open("xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(place)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(hidden)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        hidden.unlink(missing_ok=True)


def _mode(path: Path) -> int | None:
    """None where nothing is, or a link to nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _fetched(connection: Any, *, asked: Any) -> Rows:
    return [dict(row) for row in connection.execute(asked).mappings()]


def _told(batches: Iterable[Rows], progress: Callable[[int], None]) -> Iterator[Rows]:
    count = 0
    for batch in batches:
        yield batch
        count += len(batch)
        progress(count)


def _jsonl(batches: Iterable[Rows], file: IO[bytes]) -> int:
    count = 0
    for batch in batches:
        for row in batch:
            value = {**_timed(row), "tags": orjson.Fragment(row["tags"])}
            file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
        count += len(batch)
    return count


def _csv(batches: Iterable[Rows], file: IO[bytes]) -> int:
    """As RFC 4180 has it, with a header. Text is written as it is, also what a spreadsheet takes for a formula."""
    count = 0
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, NAMES)
    writer.writeheader()
    for batch in batches:
        writer.writerows({**_timed(row), **_truths(row)} for row in batch)
        count += len(batch)
    text.detach()
    return count


def _parquet(batches: Iterable[Rows], file: IO[bytes]) -> int:
    import pyarrow
    import pyarrow.parquet

    kinds = {name: _parquet_type(pyarrow, name) for name in NAMES}
    schema = pyarrow.schema(
        [pyarrow.field(name, kind, nullable=name != "time" and CALLS.c[name].nullable) for name, kind in kinds.items()]
    )
    count = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            table = pyarrow.Table.from_pylist([{**row, "time": row["time_ms"]} for row in batch], schema)
            writer.write_table(table)
            count += len(batch)
    return count


def _parquet_type(pyarrow: Any, name: str) -> Any:
    if name == "time":
        return pyarrow.timestamp("ms", tz="UTC")
    kind = CALLS.c[name].type
    if isinstance(kind, BigInteger):
        return pyarrow.int64()
    return pyarrow.bool_() if isinstance(kind, Boolean) else pyarrow.string()


_WRITERS: Final[Mapping[Format, Callable[[Iterable[Rows], IO[bytes]], int]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
}


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    when = datetime.fromtimestamp(row["time_ms"] / 1000, UTC).isoformat(timespec="milliseconds")
    return {"id": row["id"], "time": when.replace("+00:00", "Z"), **row}


def _truths(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "true" if value else "false" for name, value in row.items() if type(value) is bool}
