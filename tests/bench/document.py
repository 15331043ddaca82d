"""Puts figures into docs/benchmarks.md, between the comments that mark their place."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import Final

from .subjects import ROOT

PAGE: Final = ROOT / "docs" / "benchmarks.md"
PROGRAMS: Final = ("alerts", "analytics")
"""Programs of their own."""


def put(what: str, table: str) -> None:
    """Replace what stands between ``<!-- what -->`` and ``<!-- end -->``; the command and the day come first."""
    PAGE.write_text(placed(PAGE.read_text(), what, f"{_command(what)}, {datetime.now(UTC):%Y-%m-%d}.\n\n{table}"))


def placed(page: str, what: str, text: str) -> str:
    """Raises ``ValueError`` when the page has no such place."""
    marked = re.compile(rf"(<!-- {what} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"docs/benchmarks.md has no <!-- {what} --> … <!-- end -->")
    return marked.sub(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", page, count=1)


def _command(what: str) -> str:
    """Where data are kept is no matter of its readers."""
    arguments = [word for word in sys.argv[1:] if word != "--write" and not word.startswith("--data=")]
    module = f"tests.bench.{what}" if what in PROGRAMS else "tests.bench"
    return f"`{' '.join(['.venv/bin/python -m', module, *arguments])}`"
