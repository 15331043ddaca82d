"""Request ids: sortable by time, unique, safe in a header, a file name and a URL. They are names, not secrets."""

from __future__ import annotations

from random import getrandbits
from time import time_ns
from typing import Final

REQUEST_ID: Final = "cognitude.request_id"
"""The key of a model call's id in its ASGI scope."""

OWN: Final = "own_"
"""What the id of a plugin's own call begins with."""


def new_id() -> str:
    """``req_``, twelve hexadecimal digits of milliseconds since 1970, and 80 random bits."""
    return f"req_{time_ns() // 1_000_000:012x}{getrandbits(80):020x}"


def own_id(id: str) -> str:
    """Of a call that a plugin makes: told from a client's by its beginning."""
    return f"{OWN}{id.removeprefix('req_')}"
