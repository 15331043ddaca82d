"""The configured database for commands that work on it directly, whether or not a gateway is running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hooks import ConfigError, PluginError, Unavailable

if TYPE_CHECKING:
    from cognitude_plugins.gateway.config import Config
    from cognitude_plugins.gateway.storage.database import Storage


@contextmanager
def open_storage(config: Path, environ: Mapping[str, str]) -> Iterator[tuple[Config, Storage]]:
    """The configuration and its database with the core's tables up to date; the plugins are not looked at.

    What is wrong with either, also within the ``with``, is said as a `click.ClickException`.
    """
    from cognitude_plugins.gateway.config import load
    from cognitude_plugins.gateway.storage.migrations import upgrade
    from cognitude_plugins.gateway.storage.url import lock_file

    with told():
        found = load(config, environ)
        with opened(found) as storage:
            upgrade(storage, lock_file(found))
            yield found, storage


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
        raise click.ClickException(str(error)) from None
