"""What was measured, as tables for people and as one JSON value for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .figures import Figure, Ratio, Round, across, added, of_sample, ratios
from .machine import described
from .scenarios import BURST, MANY, ONE, OTHER, PACED, SATURATED
from .suite import NAMES

_PACKAGES = ("aiohttp", "starlette", "uvicorn", "uvloop", "httptools", "orjson", "litellm")
_WHOLE = (ONE, SATURATED, MANY)


def tables(rounds: Sequence[Round], litellm_imported: bool, left_out: Sequence[str]) -> str:
    parts = [
        f"{described()}; {_versions()}; {len(rounds)} runs, median [least-most]",
        _table("Whole answers", _whole_columns(), rounds),
        _table("What is added to the upstream's own time, µs", _added_columns(), rounds),
        _table("Streams of 200 chunks", _stream_columns(), rounds),
        _table("The process", _process_columns(), rounds),
        _promises(ratios(rounds), litellm_imported),
        *(f"left out: {reason}" for reason in left_out),
    ]
    return "\n\n".join(parts)


def as_json(rounds: Sequence[Round], litellm_imported: bool, left_out: Sequence[str]) -> dict[str, Any]:
    """Everything: the ratios, and each sample of each round."""
    return {
        "machine": described(),
        "versions": _versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ratios": [
            {"name": ratio.name, "kept": ratio.kept, "limit": ratio.limit, **asdict(ratio.figure)}
            for ratio in ratios(rounds)
        ],
        "litellm_imported": litellm_imported,
        "left_out": list(left_out),
        "rounds": [{name: asdict(visit) for name, visit in one.items()} for one in rounds],
    }


Column = tuple[str, Callable[[str], Callable[[Round], float]], str]
"""Its heading, the value of a subject in a round, and how a number is written."""


def _whole_columns() -> list[Column]:
    rates: list[Column] = [
        (f"requests/s at {one.concurrency}", _sampled(one.name, "requests_per_second"), ".0f") for one in _WHOLE
    ]
    return [
        *rates,
        ("CPU µs a request", _sampled(SATURATED.name, "cpu_us"), ".1f"),
        ("core busy", _sampled(SATURATED.name, "busy"), ".0%"),
        ("CPU µs, another path", _sampled(OTHER.name, "cpu_us"), ".1f"),
    ]


def _added_columns() -> list[Column]:
    return [
        (f"{quantile} at {one.concurrency}", _added(one.name, f"{quantile}_us"), ".0f")
        for one in _WHOLE
        for quantile in ("p50", "p99")
    ]


def _stream_columns() -> list[Column]:
    return [
        ("burst: CPU µs a stream", _sampled(BURST.name, "cpu_us"), ".0f"),
        ("burst: a chunk", _sampled(BURST.name, "cpu_per_chunk_us"), ".2f"),
        ("burst: core busy", _sampled(BURST.name, "busy"), ".0%"),
        ("pace: CPU µs a stream", _sampled(PACED.name, "cpu_us"), ".0f"),
        ("pace: a chunk", _sampled(PACED.name, "cpu_per_chunk_us"), ".2f"),
        ("pace: first token + µs", _added(PACED.name, "first_us"), ".0f"),
    ]


def _process_columns() -> list[Column]:
    return [
        ("ready s", lambda subject: lambda one: one[subject].ready_seconds, ".2f"),
        ("memory MB", lambda subject: lambda one: one[subject].memory_mb, ".0f"),
    ]


def _sampled(scenario: str, field: str) -> Callable[[str], Callable[[Round], float]]:
    return lambda subject: of_sample(subject, scenario, field)


def _added(scenario: str, field: str) -> Callable[[str], Callable[[Round], float]]:
    return lambda subject: added(subject, scenario, field)


def _table(title: str, columns: Sequence[Column], rounds: Sequence[Round]) -> str:
    rows = [["", *(heading for heading, _, _ in columns)]]
    names = [*NAMES, *(name for name in rounds[0] if name not in NAMES)] if rounds else []
    for name in names:
        cells = [written(across(rounds, value(name)), form) for _, value, form in columns]
        if any(cells):
            rows.append([name, *cells])
    return f"**{title}**\n\n{grid(rows)}"


def written(figure: Figure | None, form: str) -> str:
    if figure is None:
        return ""
    return f"{figure.median:{form}} [{figure.low:{form}}-{figure.high:{form}}]"


def grid(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns lined up."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def bounds(found: Sequence[tuple[str, float, float]]) -> str:
    """Promises by name: what was measured once, and the most it may be."""
    rows = [["promise", "measured", "limit", ""]]
    for name, measured, limit in found:
        rows.append([name, f"{measured:.3g}", f"≤ {limit:g}", "kept" if measured <= limit else "BROKEN"])
    return grid(rows)


def _promises(found: Sequence[Ratio], litellm_imported: bool) -> str:
    kept = "BROKEN" if litellm_imported else "kept"
    return f"**Promises**\n\n{promises(found, [['LiteLLM is not imported', str(not litellm_imported), 'True', kept]])}"


def promises(found: Sequence[Ratio], more: Sequence[Sequence[str]] = ()) -> str:
    rows = [["promise", "measured", "limit", ""]]
    for ratio in found:
        bound = f"{'≥' if ratio.at_least else '≤'} {ratio.limit:.3g}"
        rows.append([ratio.name, written(ratio.figure, ".3f"), bound, "kept" if ratio.kept else "BROKEN"])
    return grid([*rows, *more])


def _versions() -> str:
    return ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
