"""Logging of the command line: one line an event, to stderr."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_NOISY = ("uvicorn.error", "uvicorn.access", "asyncio", "alembic")


def set_up(level: str) -> None:
    """The gateway's own messages from ``level`` on; those of what it is built on only when they are warnings."""
    logging.basicConfig(level=level.upper(), format=_FORMAT)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
