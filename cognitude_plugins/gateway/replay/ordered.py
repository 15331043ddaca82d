"""A replay in a process of its own, waited for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from .order import Order


class Failed(Exception):
    """``problems`` are a configuration's, as ``cognitude check`` gives them; ``str()`` says all."""

    def __init__(self, message: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.problems = problems


def ordered(order: Order) -> dict[str, Any]:
    """The report. Raises `Failed`. What the order says of a folder is replaced."""
    with TemporaryDirectory(prefix="cognitude-replay-") as folder:
        order = replace(order, folder=Path(folder))
        words = [sys.executable, "-m", "cognitude_plugins.gateway.replay"]
        done = subprocess.run(words, input=order.encode(), stdout=subprocess.DEVNULL, check=False)
        if not order.result.exists():
            raise Failed(f"the replay ended with {done.returncode} and without a report", [])
        report: dict[str, Any] = orjson.loads(order.result.read_bytes())
    if "error" in report:
        raise Failed(report["error"], report.get("problems", []))
    return report
