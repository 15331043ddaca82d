"""``python -m tests.eval.routing DATA``: what the router is worth on recorded outcomes; ``--write`` ships its weights.

``--shipped`` scores a file with the weights that are in the package, and learns nothing from it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cognitude_plugins.complexity_router import shipped, training

from . import experiments, package, rivals, tables
from .experiments import Study
from .outcomes import Row, examples, read

MISSING = """eval-routing: there are no outcomes to evaluate on.
Say where they are: make eval-routing DATA=path/to/outcomes.jsonl.gz
Each line is an object with source, prompt and either weak and strong (qualities from 0 to 1)
or scores (model → quality)."""


def main() -> int:
    arguments = _parser().parse_args()
    if not arguments.data or not arguments.data.is_file():
        print(MISSING, file=sys.stderr)
        return 2
    start = time.monotonic()
    study = _study(arguments.data, arguments.seed)
    results = _shipped(study) if arguments.shipped else _results(study)
    results["machine"] = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    results["seconds"] = round(time.monotonic() - start)
    print(tables.page(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if arguments.write:
        say("learning from all rows, and writing what is shipped")
        package.write(study.rows, arguments.data, arguments.seed, tables.brief(results))
    return 0


def _study(data: Path, seed: int) -> Study:
    say(f"reading {data.name}")
    return Study(rows=read(data), rivals={}, seed=seed, say=say)


def _results(study: Study) -> dict[str, Any]:
    study = replace(study, rivals=_rivals(study.rows))
    together = training.fit(examples(study.rows[:: max(1, len(study.rows) // 5_000)]), seed=study.seed).weights
    return {
        "in domain": experiments.in_domain(study),
        "few labels": experiments.few_labels(study),
        "unseen domain": experiments.unseen_domain(study),
        "pooled pairs": experiments.pooled_pairs(study),
        "unseen pair": experiments.unseen_pair(study),
        "latency": experiments.latency(study, together),
    }


def _shipped(study: Study) -> dict[str, Any]:
    weights = shipped.weights()
    return {"shipped": experiments.shipped(study, weights), "latency": experiments.latency(study, weights)}


def _rivals(rows: Sequence[Row]) -> dict[str, dict[experiments.Key, float]]:
    keys = [(row.source, row.prompt) for row in rows]
    found = {name: dict(zip(keys, score(rows), strict=True)) for name, score in rivals.LOCAL.items()}
    say("LiteLLM's complexity router scores the same prompts")
    try:
        found["LiteLLM's router"] = dict(zip(keys, rivals.litellm(rows), strict=True))
    except RuntimeError as error:
        say(str(error))
    return found


def say(text: str) -> None:
    print(f"eval-routing: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="eval-routing", description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="outcomes, one JSON object a line, also gzipped")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--write", action="store_true", help="learn from all rows and put the weights into the package")
    parser.add_argument("--shipped", action="store_true", help="score with the package's weights; learn nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
