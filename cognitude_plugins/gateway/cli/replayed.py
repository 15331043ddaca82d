"""How a replay is shown to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import click

_LONGEST: Final = 24
_SHOWN: Final = 5
_NOTES: Final = (
    ("as_recorded", "{} were given as recorded: their answers were kept before, or by what the ledger does not have."),
    ("other_model", "{} went to another deployment: at its price, with the recorded tokens, a quarter more or less."),
    ("estimated_tokens", "{} had no answer in the recording: their tokens are those of equal or similar calls."),
    ("guessed_route", "{} were routed anew by a plugin that reads what the ledger does not keep."),
    ("without_digest", "{} have no digest, so that repeats among them are not seen (plugin analytics)."),
)
_LEFT_OUT: Final = {
    "hedge": "second attempts of hedged calls",
    "own": "calls that plugins made themselves",
    "unread": "calls that never came into the pipeline",
}


def show(report: Mapping[str, Any]) -> None:
    """In at most 80 columns, but for ids."""
    if not report["calls"]:
        click.echo("No calls were recorded in that time.")
        return
    for line in (*_summary(report), *_table(report), *_notes(report), *_examples(report)):
        click.echo(line)


def _summary(report: Mapping[str, Any]) -> Iterator[str]:
    cost, hits, refused = report["cost"], report["hit_rate"], report["refused"]
    yield f"calls      {report['calls']}, {report['differences']} decided otherwise{_different(report)}"
    yield (
        f"cost       {_usd(cost['before_usd'])} -> {_usd(cost['after_usd'])} USD, "
        f"{_signed(cost['change_usd'])} ({_percent(cost['change_percent'])})"
    )
    yield (
        f"  range    {_signed(cost['change_low_usd'])} to {_signed(cost['change_high_usd'])} "
        f"({_percent(cost['change_low_percent'])} to {_percent(cost['change_high_percent'])})"
    )
    if cost["unpriced_calls"]:
        yield f"  unknown  the cost of {cost['unpriced_calls']} calls, which are in neither sum"
    yield f"hit rate   {100 * hits['before']:.2f} % -> {100 * hits['after']:.2f} %"
    newly = f"{refused['newly']} newly, {refused['no_longer']} no longer"
    yield f"refused    {refused['before']} -> {refused['after']} ({newly})"


def _different(report: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{name} {count}" for name, count in report["different"].items())
    return f" ({parts})" if parts else ""


def _table(report: Mapping[str, Any]) -> Iterator[str]:
    lines: list[tuple[str, ...]] = [("MODEL", "CALLS", "->", "USD", "->")]
    for name, one in report["models"].items():
        usd = (_usd(one["before_usd"]), _usd(one["after_usd"]))
        lines.append((_short(name or "-"), str(one["calls_before"]), str(one["calls_after"]), *usd))
    yield ""
    yield from _aligned(lines)
    if len(report["organizations"]) > 1:
        lines = [("ORGANIZATION", "CALLS", "OTHERWISE", "REFUSED", "USD", "->")]
        for name, one in report["organizations"].items():
            usd = (_usd(one["cost"]["before_usd"]), _usd(one["cost"]["after_usd"]))
            refused = str(one["refused"]["newly"])
            lines.append((_short(name), str(one["calls"]), str(one["differences"]), refused, *usd))
        yield ""
        yield from _aligned(lines)


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        yield "  ".join([line[0].ljust(widths[0]), *numbers])


def _notes(report: Mapping[str, Any]) -> Iterator[str]:
    found = [text.format(report["notes"][name]) for name, text in _NOTES if report["notes"].get(name)]
    if report["not_reproduced"]:
        found.append(f"{report['not_reproduced']} came out of the baseline otherwise than recorded.")
    found += [f"{count} {_LEFT_OUT[name]} are not in it." for name, count in report["left_out"].items() if count]
    if found:
        yield ""
        yield from found


def _examples(report: Mapping[str, Any]) -> Iterator[str]:
    examples = report["examples"][:_SHOWN]
    if examples:
        yield ""
    for one in examples:
        yield f"{_plain(one['id'])}: {_decision(one['before'])} -> {_decision(one['after'])}"


def _decision(one: Mapping[str, Any]) -> str:
    where = one["deployment"] or "-"
    cost = "?" if one["cost_nano_usd"] is None else f"{Decimal(one['cost_nano_usd']).scaleb(-9):f}"
    return _plain(f"{one['status']} {one['source']} {where} {cost}")


def _usd(text: str) -> str:
    """To the millionth, rounded half to even."""
    return f"{Decimal(text):z.6f}"


def _signed(text: str) -> str:
    return f"{Decimal(text):+z.6f}"


def _percent(number: float | None) -> str:
    return "of nothing" if number is None else f"{number:+z.2f} %"


def _plain(text: str) -> str:
    """Without what would change the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _short(name: str) -> str:
    plain = _plain(name)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
