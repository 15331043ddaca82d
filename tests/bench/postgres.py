"""A PostgreSQL server for as long as a benchmark takes: its defaults, so every commit waits for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import Postgres, get_server

from .machine import cores, started_on


@contextmanager
def postgres() -> Iterator[Postgres]:
    """On the core of everything that is not under test."""
    with started_on(cores()[1]):
        server = Postgres(settings="")
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def kept(folder: Path) -> Iterator[str]:
    """The URL of the database of a server whose files are in ``folder`` and stay there; one that runs is used."""
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, stops=not (folder / "postmaster.pid").exists())
    server.start()
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        server.cleanup()
