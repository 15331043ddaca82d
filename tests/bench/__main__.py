"""``python -m tests.bench``: everything side by side; ``clients`` and ``servers``: what the gateway is built on.

``ledger``: every answer's row at the highest rate; ``usage``: questions about a month of rows; ``limits``: what limits
cost in Redis; ``cache``: hits from each layer, and misses; ``routing``: what a decision takes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from . import cache, comparisons, document, ledger, limits, report, routing, suite, usage
from .measure import Failed
from .scenarios import FULL, QUICK, Effort
from .subjects import peers_installed

COMMANDS = ("all", "clients", "servers", "ledger", "usage", "limits", "cache", "routing")
_NO_PEERS = "LiteLLM's proxy: the peers extra is not installed (make .venv/peers.installed)"


def main() -> int:
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="cognitude-bench-") as folder:
        try:
            value, table = _measured(arguments, Path(folder))
        except Failed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    print(json.dumps(value, indent=1) if arguments.json else table)
    if arguments.write:
        document.put(arguments.what, table)
    return 0


def _measured(arguments: argparse.Namespace, folder: Path) -> comparisons.Compared:
    quick = arguments.quick
    match arguments.what:
        case "ledger":
            return ledger.ledger(arguments.seconds or (5.0 if quick else 60.0), folder)
        case "usage":
            return usage.usage(arguments.rows or (200_000 if quick else 10_000_000), folder)
        case "limits":
            return limits.limits(arguments.seconds or (0.7 if quick else 7.0), folder)
        case "cache":
            return cache.cache(_effort(arguments), folder)
        case "routing":
            return routing.routing(100 if quick else 2000, folder)
        case "clients":
            return comparisons.clients(_effort(arguments), folder)
        case "servers":
            return comparisons.servers(_effort(arguments), folder)
        case _:
            return _everything(_effort(arguments), arguments.only, folder)


def _effort(arguments: argparse.Namespace) -> Effort:
    effort = QUICK if arguments.quick else FULL
    runs = arguments.runs or effort.runs
    seconds = arguments.seconds or effort.seconds
    return replace(effort, runs=runs, seconds=seconds, peer_runs=min(runs, effort.peer_runs))


def _everything(effort: Effort, only: list[str], folder: Path) -> comparisons.Compared:
    left_out = [] if peers_installed() else [_NO_PEERS]
    names = [name for name in only if name != "litellm" or peers_installed()]
    imported = suite.imports_litellm(folder)
    rounds = suite.measured(effort, names, folder)
    return report.as_json(rounds, imported, left_out), report.tables(rounds, imported, left_out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=COMMANDS, default="all")
    parser.add_argument("--json", action="store_true", help="one JSON value with every sample, not tables")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="fewer scenarios, shorter runs, fewer rows")
    parser.add_argument("--only", type=_names, default=list(suite.NAMES), metavar="NAME,…", help="these subjects only")
    parser.add_argument("--runs", type=int, help="rounds over all subjects")
    parser.add_argument(
        "--seconds",
        type=float,
        help="how long each scenario is run in a round; ledger: each database; limits: each operation",
    )
    parser.add_argument("--rows", type=int, help="usage: how many calls the month has (10 000 000)")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in suite.NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(suite.NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
