"""``python -m tests.bench``: everything side by side; ``clients`` and ``servers``: what the gateway is built on."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import comparisons, document, report, suite
from .measure import Failed
from .scenarios import FULL, QUICK, Effort
from .subjects import peers_installed

_NO_PEERS = "LiteLLM's proxy: the peers extra is not installed (make .venv/peers.installed)"


def main() -> int:
    arguments = _parser().parse_args()
    effort = QUICK if arguments.quick else FULL
    runs = arguments.runs or effort.runs
    seconds = arguments.seconds or effort.seconds
    effort = replace(effort, runs=runs, seconds=seconds, peer_runs=min(runs, effort.peer_runs))
    with tempfile.TemporaryDirectory(prefix="cognitude-bench-") as folder:
        try:
            if arguments.what == "all":
                value, table = _everything(effort, arguments.only, Path(folder))
            else:
                compare = comparisons.clients if arguments.what == "clients" else comparisons.servers
                value, table = compare(effort, Path(folder))
        except Failed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(json.dumps(value, indent=1) if arguments.json else table)
    if arguments.write:
        document.put(arguments.what, table)
    return 0


def _everything(effort: Effort, only: list[str], folder: Path) -> tuple[dict[str, Any], str]:
    left_out = [] if peers_installed() else [_NO_PEERS]
    names = [name for name in only if name != "litellm" or peers_installed()]
    imported = suite.imports_litellm(folder)
    rounds = suite.measured(effort, names, folder)
    return report.as_json(rounds, imported, left_out), report.tables(rounds, imported, left_out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "clients", "servers"), default="all")
    parser.add_argument("--json", action="store_true", help="one JSON value with every sample, not tables")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="under two minutes: fewer scenarios, shorter runs")
    parser.add_argument("--only", type=_names, default=list(suite.NAMES), metavar="NAME,…", help="these subjects only")
    parser.add_argument("--runs", type=int, help="rounds over all subjects")
    parser.add_argument("--seconds", type=float, help="how long each scenario is run in a round")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in suite.NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(suite.NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
