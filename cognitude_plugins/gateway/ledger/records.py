"""A journal record as the database takes it: every column there, of the right type, no text too long for an index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from types import NoneType
from typing import Any, Final

import orjson

from .row import COLUMNS, Row

Entry = tuple[Any, ...]
"""A row of ``ledger_call`` in the order of `COLUMNS`; ``tags``, the last, is JSON text."""
ID: Final = COLUMNS.index("id")
TIME_MS: Final = COLUMNS.index("time_ms")

LONGEST: Final = 400
"""Bytes of a text that the sums are kept by. PostgreSQL's B-tree takes 2704 bytes an entry, and five such texts are in
one."""
_LONGEST_NAME: Final = 128
LARGEST: Final = 2**53
"""A number above this is none that was measured, and a thousand of them still have a sum."""
LAST_MS: Final = 253_402_300_799_999

_TEXT: Final = (str,)
_NUMBER: Final = (int,)
KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(("id", "organization", "key", "api", "requested_model", "model", "provider", "source"), _TEXT),
    **dict.fromkeys(("time_ms", "status", "saved_nano_usd", "latency_us", "overhead_us", "attempts"), _NUMBER),
    **dict.fromkeys(("stream", "complete"), (bool,)),
    "usage_reported": (bool, NoneType),
    "tags": (dict,),
    **dict.fromkeys(
        (
            "prompt_tokens",
            "completion_tokens",
            "cached_tokens",
            "cache_write_tokens",
            "reasoning_tokens",
            "cost_nano_usd",
            "first_token_us",
            "max_tokens",
            "request_digest",
            "shape_digest",
            "prefix_digest",
            "prefix_tokens",
        ),
        (int, NoneType),
    ),
    **dict.fromkeys(
        ("user", "deployment", "error", "complexity", "cache_key", "route", "decisions", "tried"), (str, NoneType)
    ),
}
NUMBERS: Final = tuple(name for name in COLUMNS if int in KINDS[name])
INDEXED: Final = ("organization", "key", "user", "model", "provider")

values_of: Final = itemgetter(*COLUMNS)
_numbers: Final = itemgetter(*NUMBERS)
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def parse(record: bytes) -> Entry:
    """Raises ``ValueError`` for what is no row, naming the column. A NUL in a text, which PostgreSQL does not take,
    becomes U+FFFD."""
    if b"\\u0000" in record:
        record = _NUL.sub(rb"\1" + "\ufffd".encode(), record)
    found: Any = orjson.loads(record)
    try:
        values: Entry = values_of(found)
        if len(found) != len(COLUMNS):
            raise KeyError
    except (KeyError, TypeError):
        found = _completed(record)
        values = values_of(found)
    _check(found, values)
    for name in INDEXED:
        value = found[name]
        if value is not None and len(value) > LONGEST // 4:
            found[name] = clip(value)
    found["tags"] = tags_text(found["tags"])
    return tuple(values_of(found))


def by_column(entry: Entry) -> dict[str, Any]:
    return dict(zip(COLUMNS, entry, strict=True))


def clip(text: str, longest: int = LONGEST) -> str:
    """A text as the sums have it: its first `LONGEST` bytes in UTF-8."""
    return text if len(text) <= longest // 4 else text.encode()[:longest].decode(errors="ignore")


def clip_tag(name: str, value: str) -> tuple[str, str]:
    """A tag as the sums have it: ``name=value`` in `LONGEST` bytes, of which the first ``=`` ends the name."""
    return clip(name.replace("=", "_"), _LONGEST_NAME), clip(value, LONGEST - _LONGEST_NAME - 1)


def _completed(record: bytes) -> dict[str, Any]:
    """A record of another version: without what it has too much, with the default of what it lacks."""
    row = Row.decode(record)
    return {name: getattr(row, name) for name in COLUMNS}


def _check(entry: dict[str, Any], values: tuple[Any, ...]) -> None:
    wrong = _misfits(tuple(map(type, values)))
    if wrong is not None:
        raise ValueError(f"{wrong} is {type(entry[wrong]).__name__}")
    numbers = [number for number in _numbers(entry) if number is not None]
    if max(numbers) > LARGEST or min(numbers) < 0:
        _check_numbers(entry)
    if entry["time_ms"] > LAST_MS:
        raise ValueError(f"time_ms is {entry['time_ms']}, after the year 9999")
    if len(entry["id"]) > LONGEST:
        raise ValueError(f"id has {len(entry['id'])} characters")


@lru_cache(maxsize=1024)
def _misfits(kinds: tuple[type, ...]) -> str | None:
    """The first column of a wrong type; most rows have one of a few combinations."""
    return next((name for name, kind in zip(COLUMNS, kinds, strict=True) if kind not in KINDS[name]), None)


def _check_numbers(entry: dict[str, Any]) -> None:
    """Only savings may be negative: a plugin may have made a call dearer."""
    for name in NUMBERS:
        least = -LARGEST if name == "saved_nano_usd" else 0
        if not least <= (entry[name] or 0) <= LARGEST:
            raise ValueError(f"{name} is {entry[name]}")


def tags_text(tags: dict[Any, Any]) -> str:
    """As the database has them."""
    if not tags:
        return "{}"
    if not all(type(value) is str for value in tags.values()):
        raise ValueError("tags has a value that is no text")
    text = orjson.dumps(tags).decode()
    if len(text) <= LONGEST // 4 and "=" not in text:
        return text
    return orjson.dumps(dict(clip_tag(*tag) for tag in tags.items())).decode()
