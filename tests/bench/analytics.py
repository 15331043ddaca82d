"""``python -m tests.bench.analytics``: what analytics ask of ten million calls in PostgreSQL and of one in SQLite.

``--data`` is a folder to keep the databases in: they are made once, and used by the next run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from cognitude_plugins.gateway.storage.database import Storage

from .postgres import kept
from .quarter import load
from .suite import say


def main() -> int:
    arguments = _parser().parse_args()
    with kept(arguments.data / "postgresql") as url:
        _filled(Storage(url), arguments.rows, arguments.data)
    if arguments.sqlite:
        _filled(Storage(f"sqlite:///{arguments.data / 'ledger.sqlite'}"), arguments.sqlite, arguments.data)
    return 0


def _filled(storage: Storage, rows: int, folder: Path) -> None:
    began = perf_counter()
    load(storage, rows, folder / "lock", lambda text: say(f"{storage.dialect}, {perf_counter() - began:.0f} s: {text}"))
    storage.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.analytics", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="in PostgreSQL")
    parser.add_argument("--sqlite", type=int, default=1_000_000, metavar="ROWS")
    parser.add_argument("--data", type=Path, required=True, help="where the databases are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
