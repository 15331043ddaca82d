"""Where the database is, by the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from hooks import ConfigError

from ..config import Config

DEFAULT_FILE: Final = "cognitude.db"
_AT: Final = ("services", "database")


def database_url(config: Config) -> str:
    """``services.database``, an SQLite file made absolute; secret, as it may hold a password. Raises `ConfigError`."""
    configured = config.services.database.url
    if configured is None:
        return _sqlite(config.data_dir / DEFAULT_FILE)
    url = _parsed(config, configured.get_secret_value())
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql").render_as_string(hide_password=False)
    if not url.database or url.database.startswith((":", "file:")) or url.host or url.query:
        raise _problem(config, "must name a file: sqlite:///cognitude.db, or sqlite:////var/lib/cognitude.db")
    return _sqlite(config.source.folder / url.database)


def lock_file(config: Config) -> Path:
    """What is locked while an SQLite database is migrated."""
    return config.data_dir / "migrate.lock"


def _parsed(config: Config, text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # Their text may quote what stands behind the host's colon, which may be a part of the password.
        raise _problem(
            config,
            "is no URL of a database: special characters in a password are written with %, as in %40 for @",
        ) from None


def _sqlite(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def _problem(config: Config, rule: str) -> ConfigError:
    return ConfigError(config.source.problem(_AT, rule))
