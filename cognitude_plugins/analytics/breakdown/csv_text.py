"""A breakdown as CSV (RFC 4180), which a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_KINDS: Final = ("group", "other", "total")


def as_csv(found: Mapping[str, Any]) -> str:
    """Of a `BreakdownBody` as JSON. ``row`` says which lines are groups, what is the others together, and the total."""
    text = io.StringIO()
    writer = csv.writer(text)
    dimensions: list[str] = found["group_by"]
    names = [name for name in found["total"] if name != "metrics"]
    metrics = list(found["total"]["metrics"])
    writer.writerow(map(harmless, ("row", *dimensions, *names, *metrics)))
    for kind, figures in _lines(found):
        group = figures.get("group", {})
        cells = [harmless(group.get(name, "")) for name in dimensions]
        writer.writerow([kind, *cells, *(figures[name] for name in names), *figures["metrics"].values()])
    return text.getvalue()


def harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    group, other, total = _KINDS
    yield from ((group, figures) for figures in found["data"])
    if found["other"] is not None:
        yield other, found["other"]
    yield total, found["total"]
