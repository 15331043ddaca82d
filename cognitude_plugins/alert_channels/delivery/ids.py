"""Ids of messages and their attempts: sorted by when they were made, unique, safe in a header."""

from __future__ import annotations

from secrets import token_hex


def new_id(kind: str, now_ms: int) -> str:
    """``kind``, an underscore, twelve hexadecimal digits of milliseconds since 1970 and 80 random bits."""
    return f"{kind}_{now_ms:012x}{token_hex(10)}"
