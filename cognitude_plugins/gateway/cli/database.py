"""The configured database for commands that work on it directly, whether or not a gateway is running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hooks import ConfigError, PluginError, Unavailable

from . import of_output

if TYPE_CHECKING:
    from cognitude_plugins.gateway.config import Config
    from cognitude_plugins.gateway.storage.database import Storage


@contextmanager
def open_storage(config: Path, environ: Mapping[str, str], *, migrate: bool) -> Iterator[tuple[Config, Storage]]:
    """The configuration and its database with the core's tables up to date; the plugins are not looked at.

    Without ``migrate``, for a command that only reads, a database that is missing or behind is left as it is and
    refused. What is wrong, also within the ``with``, is said as a `click.ClickException`.
    """
    from cognitude_plugins.gateway.config import load
    from cognitude_plugins.gateway.storage.migrations import upgrade
    from cognitude_plugins.gateway.storage.url import lock_file

    with told():
        found = load(config, environ)
        with opened(found) as storage:
            if migrate:
                upgrade(storage, lock_file(found))
            else:
                _check(storage)
            yield found, storage


def _check(storage: Storage) -> None:
    from cognitude_plugins.gateway.storage.migrations import state

    name = repr(storage).removeprefix("Storage(").removesuffix(")")
    if not storage.exists:
        raise click.ClickException(f"there is no database {name} yet: run `cognitude migrate`, or start the gateway")
    core = state(storage)[0]
    if core.pending:
        at = f"is at {core.current}" if core.current else "has no tables yet"
        raise click.ClickException(f"the database {name} {at}: run `cognitude migrate`, or start the gateway")


@contextmanager
def opened(config: Config) -> Iterator[Storage]:
    """The database as it is."""
    from cognitude_plugins.gateway.storage.database import Storage
    from cognitude_plugins.gateway.storage.url import database_url

    settings = config.services.database
    storage = Storage(database_url(config), pool=min(settings.pool, 2), timeout=max(settings.timeout, 10.0))
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def told() -> Iterator[None]:
    """What an operator can put right, without a traceback."""
    try:
        yield
    except BrokenPipeError:
        # Whoever reads what is printed has had enough; click ends without a word.
        raise
    except (ConfigError, PluginError, Unavailable, OSError) as error:
        if isinstance(error, OSError) and of_output(error):
            raise
        raise click.ClickException(str(error)) from None
