"""The ledger as an operator sees it: through the command line, SQL and the journal's files."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.processes import CLI

_TRUTHS: Final = frozenset({"stream", "complete", "usage_reported"})


def exported(folder: Path) -> list[dict[str, Any]]:
    """Every row of the gateway whose plugins.yaml is in this folder."""
    done = cognitude(folder, "ledger", "export", "--format", "jsonl", "--output", "-")
    return [json.loads(line) for line in done.splitlines()]


def cognitude(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [*CLI, *words],
        cwd=folder,
        env={**os.environ, "COGNITUDE_CONFIG": str(folder / "plugins.yaml")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def connection(folder: Path) -> sqlite3.Connection:
    """To the gateway's own SQLite file, to read from it; rows by column, truths as such."""
    found = sqlite3.connect(f"file:{folder / '.cognitude' / 'cognitude.db'}?mode=ro", uri=True)
    found.row_factory = _row
    return found


def journaled(folder: Path) -> list[dict[str, Any]]:
    """The rows in the journal's segments that are still there: that is where a row is before its answer has ended."""
    segments = sorted((folder / ".cognitude" / "journal").glob("*.journal"))
    return [json.loads(line[9:]) for path in segments for line in path.read_bytes().splitlines()]


def row_of(folder: Path, id: str) -> dict[str, Any]:
    """The one row of a call that has been answered."""
    (row,) = (row for row in journaled(folder) if row["id"] == id)
    return row


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip([column[0] for column in cursor.description], values, strict=True))
    return {name: bool(value) if name in _TRUTHS and value is not None else value for name, value in row.items()}
