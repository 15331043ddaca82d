"""``python -m tests.eval.forecast``: do intervals of forecasts hold what they say, are anomalies noticed?

``--write`` makes the table of errors that is shipped, from other series, before it is put to the test.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median
from typing import Any

from cognitude_plugins.analytics.forecast.calibration import shipped

from . import calibrating, hours, noticed
from .foretold import Told, told
from .series import KINDS, UNLIKE
from .tables import table

SERIES_PER_KIND = 30
USES_PER_KIND = 20


def main() -> int:
    arguments = _parser().parse_args()
    start = time.monotonic()
    if arguments.write:
        say("learning the errors of series that are not in the test")
        calibrating.write(calibrating.table())
    results = results_of(arguments.seed, arguments.series, arguments.uses)
    results["machine"] = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    results["seconds"] = round(time.monotonic() - start)
    print(page(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def results_of(seed: int, series: int = SERIES_PER_KIND, uses: int = USES_PER_KIND) -> dict[str, Any]:
    """Every figure, of so many series and uses of each kind."""
    say(f"forecasting {series * len(KINDS)} series")
    found = list(told(f"evaluation.{seed}", series, shipped()))
    say(f"scoring {uses * len(hours.KINDS)} organizations' hours")
    use = list(hours.many(f"evaluation.{seed}", uses))
    return {
        "series": series * len(KINDS),
        "forecasts": forecasts(found),
        "unlike": forecasts(list(told(f"unlike.{seed}", series, shipped(), kinds=(UNLIKE,))), by=("history",)),
        "anomalies": [asdict(line) for method in noticed.METHODS if use for line in noticed.noticed(use, method)],
    }


def forecasts(found: Sequence[Told], by: Sequence[str] = ("kind", "history", "ahead")) -> list[dict[str, Any]]:
    lines = [_line("all", "", found)]
    for name in by:
        for value in dict.fromkeys(getattr(one, name) for one in found):
            lines.append(_line(name, str(value), [one for one in found if getattr(one, name) == value]))
    return lines


def _line(by: str, value: str, found: Sequence[Told]) -> dict[str, Any]:
    compared = [one for one in found if one.naive is not None]
    return {
        "by": by,
        "value": value,
        "intervals": len(found),
        "coverage": fmean(one.held for one in found),
        "width": median(one.width for one in found),
        "error": _mean(one.error for one in compared),
        "last_week_error": _mean(one.naive for one in compared if one.naive is not None),
    }


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None


def page(results: dict[str, Any]) -> str:
    noticed_rows = [
        (one["method"], one["kind"], f"{one['alarms_a_week']:.2f}", _percent(one["triple"]), _percent(one["sixfold"]))
        for one in results["anomalies"]
    ]
    return "\n".join(
        [
            f"### Forecasts of {results['series']} series, intervals of 80 %\n",
            _told(results["forecasts"]),
            "### Forecasts of series unlike all that the table is of\n",
            _told(results["unlike"]),
            "### Anomalies of spend\n",
            table(("method", "use", "false alarms a week", "3x found", "6x found"), noticed_rows),
            f"{results['machine']}, {results['seconds']} s",
        ]
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _told(lines: Sequence[dict[str, Any]]) -> str:
    rows = [
        (
            one["by"],
            one["value"],
            str(one["intervals"]),
            f"{one['coverage'] * 100:.1f} %",
            f"{one['width']:.2f}",
            _shown(one["error"]),
            _shown(one["last_week_error"]),
        )
        for one in lines
    ]
    return table(("by", "", "intervals", "coverage", "median width", "mean error", "same as last week"), rows)


def _shown(error: float | None) -> str:
    return "" if error is None else f"{error:.3f}"


def say(text: str) -> None:
    print(f"eval-forecast: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="eval-forecast", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--series", type=int, default=SERIES_PER_KIND, help="of each of seven kinds")
    parser.add_argument("--uses", type=int, default=USES_PER_KIND, help="organizations of each of five kinds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--write", action="store_true", help="make the table that is shipped, and test that")
    return parser


if __name__ == "__main__":
    sys.exit(main())
