"""The ledger as an operator sees it: through the command line, and through SQL."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.journeys.waiting import eventually
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


def row_of(folder: Path, id: str, seconds: float = 5.0) -> dict[str, Any]:
    """The one row of this call, when it has come."""
    with closing(connection(folder)) as rows:
        found: list[dict[str, Any]] = []

        def came() -> bool:
            found[:] = rows.execute("SELECT * FROM ledger_call WHERE id = ?", (id,)).fetchall()
            return found != []

        assert eventually(came, seconds), f"no row of {id}"
    return found[0]


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip([column[0] for column in cursor.description], values, strict=True))
    return {name: bool(value) if name in _TRUTHS and value is not None else value for name, value in row.items()}
