"""Where a server lends its app the end of the connection, and how the app finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

ABORT: Final = "cognitude.abort"
"""In ``scope["extensions"]``: a function that closes the connection without waiting for what is not yet written."""


def abort_of(scope: Mapping[str, Any]) -> Callable[[], None] | None:
    """The function of `ABORT`, or None under another server."""
    found: Callable[[], None] | None = (scope.get("extensions") or {}).get(ABORT)
    return found
