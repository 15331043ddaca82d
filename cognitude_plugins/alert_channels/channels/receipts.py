"""What an answer over HTTP means for a message: arrived, to be tried again, or not wanted any more."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from hooks import Answer, Receipt, Unreachable

GONE: Final = 410


def receipt(
    answer: Answer, *, now: datetime, final: Collection[int] = (), gone: Collection[int] = (GONE,), why: str = ""
) -> Receipt:
    """``final`` are answers that another attempt would not change.

    The body is not in it: a receiver may send back in it what it was sent, the secrets too. ``why`` is what was made
    of it.
    """
    status = answer.status
    detail = f"HTTP {status}" + (f" {why}" if why else "")
    if 200 <= status < 300:
        return Receipt(delivered=True, detail=detail, status=status)
    if 300 <= status < 400:
        detail += ": redirects are not followed"
    ended = status in gone
    return Receipt(
        delivered=False,
        detail=detail,
        status=status,
        retry=not ended and status not in final,
        after=retry_after(answer, now),
        gone=ended,
    )


def unreached(error: Unreachable) -> Receipt:
    return Receipt(delivered=False, detail=f"{error.fault}: {error}")


def retry_after(answer: Answer, now: datetime) -> timedelta | None:
    """In seconds or as a date, as RFC 9110 has it; None where there is none that can be read."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), (when if when.tzinfo else when.replace(tzinfo=UTC)) - now)
