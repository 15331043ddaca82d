"""Closing a stream that nobody will read any further."""

from __future__ import annotations

from contextlib import suppress


async def close(chunks: object) -> None:
    """Close an asynchronous iterator if it can be closed. One that is broken already counts as closed."""
    aclose = getattr(chunks, "aclose", None)
    if aclose is not None:
        with suppress(RuntimeError, OSError):
            await aclose()
