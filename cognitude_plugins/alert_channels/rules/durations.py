"""Lengths of time as people write them: ``90s``, ``5m``, ``1h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PATTERN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
MINUTE: Final = timedelta(minutes=1)


def parsed(text: object) -> timedelta:
    """Raises ``ValueError`` with the rule."""
    if isinstance(text, timedelta):
        return text
    found = _PATTERN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        shown = repr(text)[:40]
        raise ValueError(f"a length of time is a number with s, m, h or d behind it, as in 5m, not {shown}")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def shown(length: timedelta) -> str:
    """In the largest unit that it is a whole number of."""
    seconds = round(length.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds // _UNITS[unit]}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(parsed),
    PlainSerializer(shown, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[smhd]$", "examples": ["5m"]}),
]


def between(least: timedelta, most: timedelta) -> AfterValidator:
    """Of a `Duration` in whole minutes."""

    def check(length: timedelta) -> timedelta:
        if not least <= length <= most:
            raise ValueError(f"must be between {shown(least)} and {shown(most)}, not {shown(length)}")
        if length % MINUTE:
            raise ValueError(f"must be whole minutes, not {shown(length)}")
        return length

    return AfterValidator(check)
