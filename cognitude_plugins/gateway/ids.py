"""Request ids: sortable by time, unguessable, safe in a header, a file name and a URL."""

from __future__ import annotations

from os import urandom
from time import time_ns


def new_id() -> str:
    """``req_``, twelve hexadecimal digits of milliseconds since 1970, and 80 random bits."""
    return f"req_{time_ns() // 1_000_000:012x}{urandom(10).hex()}"
