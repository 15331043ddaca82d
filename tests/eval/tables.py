"""The figures as tables to read, and the few of them that go with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import fmean
from typing import Any, Final

_TITLES: Final = {
    "in domain": "In domain",
    "few labels": "Few labels",
    "unseen domain": "Unseen domain",
    "pooled pairs": "Unseen domain with the labels of other pairs of models thrown in, as the router does not do",
    "shipped": "Shipped",
}


def page(results: dict[str, Any]) -> str:
    parts = []
    for what, title in _TITLES.items():
        if results.get(what):
            parts += [f"{title}\n", _scores(results[what])]
        if what == "few labels" and results.get(what):
            parts.append(f"Mean of the draws: APGR {fmean(one['apgr'] for one in results[what]):.3f}\n")
    if results.get("unseen pair"):
        parts += ["Unseen pair of models, 300 labels, gain per task type\n", _pairs(results["unseen pair"])]
    parts += [
        "Latency, in microseconds: features, task type, complexity and score; of three times the least\n",
        _latency(results["latency"]),
    ]
    parts.append(f"{results['machine']}; {results['seconds']} s in all.")
    return "\n".join(parts)


def brief(results: dict[str, Any]) -> dict[str, Any]:
    return {
        what: [
            {name: _rounded(one[name]) for name in ("source", "name", "labels", "apgr", "low", "high", "saved_95")}
            for one in results.get(what, [])
            if one["name"].startswith(("router", "draw"))
        ]
        for what in ("in domain", "few labels", "unseen domain")
    }


def _scores(lines: Sequence[dict[str, Any]]) -> str:
    head = ["source", "scored by", "labels", "rows", "known", "APGR", "95 % interval", "saved at 95 %", "at 99 %"]
    head += ["CPT 50 %", "CPT 80 %"]
    rows = []
    for _, some in groupby(lines, key=lambda one: one["source"]):
        rows += [_row(one) for one in some]
    return table(head, rows)


def _row(one: dict[str, Any]) -> list[str]:
    known = "" if "known" not in one else _share(one["known"])
    interval = "" if one["low"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
    area = "no gap" if one["apgr"] is None else f"{one['apgr']:.3f}"
    shares = [_share(one[name]) for name in ("saved_95", "saved_99", "cpt_50", "cpt_80")]
    return [one["source"], one["name"], str(one.get("labels", "")), str(one["rows"]), known, area, interval, *shares]


def _pairs(lines: Sequence[dict[str, Any]]) -> str:
    rows = [[one["name"], f"{one['gap']:.3f}", f"{one['apgr']:.3f}"] for one in lines if one["named"]]
    mean = fmean(one["apgr"] for one in lines)
    rows.append([f"mean of {len(lines)} pairs", f"{fmean(one['gap'] for one in lines):.3f}", f"{mean:.3f}"])
    return table(["pair", "gap", "APGR"], rows)


def _latency(lines: Sequence[dict[str, Any]]) -> str:
    return table(
        ["prompts of", "p50", "p99"], [[one["name"], f"{one['p50']:.0f}", f"{one['p99']:.0f}"] for one in lines if one]
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, with columns that line up."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [_cells(head, widths), _cells(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_cells(row, widths) for row in rows), ""])


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def _share(value: float | None) -> str:
    return "never" if value is None else f"{100 * value:.1f} %"


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
