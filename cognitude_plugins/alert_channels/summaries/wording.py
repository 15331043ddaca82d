"""A summary as a message: tables for people, the same as values for machines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from hooks import EVERY_ORGANIZATION, Message, Part, Sums

from ..budgets.standing import Standing
from ..dollars import about_usd, exact_usd
from .figures import Figures

_BEFORE: Final = {"daily": "The day before", "weekly": "The week before"}
_UNKNOWN: Final = "(none)"


def message(found: Figures, now: datetime) -> Message:
    """Its ``id`` is for the outbox to give."""
    span = found.span
    return Message(
        id="",
        kind="summary",
        at=now,
        organization=span.organization,
        title=_title(found),
        about=f"summary:{span.kind}:{span.organization}",
        text=_text(found),
        facts=(("Days", span.name), ("Time zone", span.zone)),
        parts=(*_parts(found), *found.parts),
        data=data(found),
    )


def data(found: Figures) -> dict[str, Any]:
    span = found.span
    return {
        "kind": span.kind,
        "organization": span.organization,
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "time_zone": span.zone,
        "this": _values(found.this),
        "before": _values(found.before),
        "models": [{"name": one.group["model"], **_values(one)} for one in found.models],
        "keys": [{"name": one.group["key"], **_values(one)} for one in found.keys],
        "organizations": [{"name": one.group["organization"], **_values(one)} for one in found.organizations],
        "budgets": [_budget(one) for one in found.budgets],
        "open_alerts": found.open_count,
    }


def _title(found: Figures) -> str:
    whose = "all organizations" if found.span.organization == EVERY_ORGANIZATION else found.span.organization
    spent, change = about_usd(found.this.cost_nano_usd), _change(found.this.cost_nano_usd, found.before.cost_nano_usd)
    told = f"{spent} ({change})" if change else spent
    return f"{found.span.kind.capitalize()} summary of {whose}, {found.span.name}: {told}"


def _text(found: Figures) -> str:
    this = found.this
    if not this.calls:
        return "There were no calls."
    text = f"{this.calls:,} calls cost {about_usd(this.cost_nano_usd)}; {about_usd(this.saved_nano_usd)} were saved."
    return f"{text} Of {this.unpriced:,} calls the cost is not known." if this.unpriced else text


def _parts(found: Figures) -> Iterator[Part]:
    columns = ("", "This time", _BEFORE[found.span.kind], "Change")
    yield Part(heading="Spending", columns=columns, rows=tuple(_compared(found.this, found.before)))
    for heading, dimension, groups in (
        ("Top organizations", "organization", found.organizations),
        ("Top models", "model", found.models),
        ("Top keys", "key", found.keys),
    ):
        if groups:
            rows = tuple((one.group[dimension] or _UNKNOWN, *_of_group(one)) for one in groups)
            yield Part(heading=heading, columns=(dimension.capitalize(), "Calls", "Tokens", "Cost"), rows=rows)
    if found.budgets:
        yield Part(
            heading="Budgets",
            columns=("Budget", "Spent", "Of", "Used", "Forecast"),
            rows=tuple(_budget_row(one, found.span.organization) for one in found.budgets),
        )
    if found.open_count:
        more = found.open_count - len(found.alerts)
        yield Part(
            heading="Open alerts",
            columns=("Severity", "Organization", "Alert")
            if found.span.organization == EVERY_ORGANIZATION
            else ("Severity", "Alert"),
            rows=tuple(
                (one.severity, one.organization, one.title)
                if found.span.organization == EVERY_ORGANIZATION
                else (one.severity, one.title)
                for one in found.alerts
            ),
            text=f"and {more:,} more" if more else "",
        )


def _compared(this: Sums, before: Sums) -> Iterator[tuple[str, str, str, str]]:
    def row(name: str, of: Callable[[Sums], int], shown: Callable[[int], str]) -> tuple[str, str, str, str]:
        return name, shown(of(this)), shown(of(before)), _change(of(this), of(before))

    yield row("Spent", lambda sums: sums.cost_nano_usd, about_usd)
    yield row("Calls", lambda sums: sums.calls, _count)
    yield row("Tokens", _tokens, _count)
    for name, now, earlier in (("Errors", this.errors, before.errors), ("Cache hits", this.hits, before.hits)):
        shown = (f"{now:,}{_share(now, this.calls)}", f"{earlier:,}{_share(earlier, before.calls)}")
        yield (name, *shown, _change(now, earlier))
    yield row("Saved", lambda sums: sums.saved_nano_usd, about_usd)


def _of_group(one: Sums) -> tuple[str, str, str]:
    return _count(one.calls), _count(_tokens(one)), about_usd(one.cost_nano_usd)


def _budget_row(one: Standing, organization: str) -> tuple[str, ...]:
    name, whose = one.share.budget.name, one.share.organization
    return (
        name if whose == organization else f"{whose}: {name}",
        about_usd(one.spent or 0),
        about_usd(one.amount),
        f"{one.percent} %",
        "" if one.forecast is None else about_usd(one.forecast),
    )


def _budget(one: Standing) -> dict[str, Any]:
    return {
        "organization": one.share.organization,
        "id": one.share.owned.id,
        "name": one.share.budget.name,
        "period": one.period.name,
        "spent_usd": exact_usd(one.spent or 0),
        "amount_usd": exact_usd(one.amount),
        "percent": None if one.percent is None else float(one.percent),
        "forecast_usd": None if one.forecast is None else exact_usd(one.forecast),
        "state": one.state,
    }


def _values(sums: Sums) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "total_tokens": _tokens(sums),
        "errors": sums.errors,
        "hits": sums.hits,
        "cost_usd": exact_usd(sums.cost_nano_usd),
        "saved_usd": exact_usd(sums.saved_nano_usd),
        "unpriced": sums.unpriced,
    }


def _tokens(sums: Sums) -> int:
    return sums.prompt_tokens + sums.completion_tokens


def _count(number: int) -> str:
    return f"{number:,}"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""


def _change(this: int, before: int) -> str:
    return f"{(this - before) / before:+.0%}" if before else ""
