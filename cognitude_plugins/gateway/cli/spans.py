"""Times that commands take: a date, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import click

_AGO: Final = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def span_ms(option: str, text: str) -> int:
    """``90s``, ``30m``, ``24h``, ``7d`` or ``2w`` in milliseconds; ``0`` for none."""
    if text == "0":
        return 0
    found = _AGO.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no span of time, as in 24h or 7d", param_hint=option)
    return int(found[1]) * _UNITS[found[2]] * 1000


def moment_ms(option: str, text: str, now_ms: int) -> int:
    """Milliseconds since 1970: of so long before ``now_ms``, or of a date or time in ISO 8601, UTC without a zone."""
    if _AGO.fullmatch(text):
        return now_ms - span_ms(option, text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time, as in 7d, 24h, 2026-11-30 or 2026-11-30T12:00:00Z", param_hint=option
        ) from None
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
