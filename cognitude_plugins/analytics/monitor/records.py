"""Answers as data on standard output: JSON, or CSV with a line of names; no control characters but ends of lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..breakdown.csv_text import harmless
from ..screen.draw import clean

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def as_json(found: Any) -> str:
    return json.dumps(found, indent=2)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The columns are those of the first row; nothing is what is not known. Without rows there is nothing."""
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]), restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return written.getvalue().rstrip("\n")


def _plain(value: Any) -> Any:
    """Numbers are not what a spreadsheet could take for a formula, also those that are written as text."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return harmless(clean(value))
