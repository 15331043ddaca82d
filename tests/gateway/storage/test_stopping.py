"""A transaction stopped from another thread."""

from __future__ import annotations

import psycopg

from cognitude_plugins.gateway.storage.stopping import Stop


def test_a_connection_that_is_lost_already_needs_no_stopping(postgres_url: str) -> None:
    """Whoever closes the database while its server goes away must not fail on what is gone."""
    stop = Stop()
    with psycopg.connect(postgres_url) as connection, stop.holds(connection):
        connection.close()
        stop.pull()
    assert stop.pulled
