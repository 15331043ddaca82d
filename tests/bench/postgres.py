"""A PostgreSQL server for as long as a benchmark takes: its defaults, so every commit waits for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Postgres

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
