"""How long to wait before something is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from time import time
from typing import Final

_MOST_SECONDS: Final = 86_400.0


def pause(number: int, base_seconds: float, longest_seconds: float, random: Random) -> float:
    """Seconds before try ``number``, from 1: between the half and the whole of what doubles each time.

    Never near nothing, as with full jitter: a provider that has just failed gets a moment.
    """
    whole = min(base_seconds * float(1 << min(number - 1, 30)), longest_seconds)
    return whole * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str], clock: Callable[[], float] = time) -> float | None:
    """Seconds that an answer says to wait: ``retry-after-ms``, else ``retry-after`` in seconds or as an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        when = parsedate_to_datetime(text)
        left = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.fromtimestamp(clock(), UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, left.total_seconds()), _MOST_SECONDS)


def _number(text: str | None) -> float | None:
    """Not below zero, not above a day, not infinite."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(value, _MOST_SECONDS * 1000) if value >= 0 else None
