"""Logging of the command line: one line an event, to stderr."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS = "cognitude"


def set_up(level: str) -> None:
    """The gateway's own messages from ``level`` on; those of all others only when they are warnings.

    What an HTTP library or an SDK says below that quotes requests: URLs with keys in them, headers, prompts.
    """
    own: int = logging.getLevelName(level.upper())
    logging.basicConfig(level=max(logging.WARNING, own), format=_FORMAT)
    logging.getLogger(_OURS).setLevel(own)
