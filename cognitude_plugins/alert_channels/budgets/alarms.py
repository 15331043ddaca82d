"""What a budget's standing says to the lifecycle of alerts: thresholds that are reached, and a bad forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from ..dollars import about_usd
from ..lifecycle.observation import Observation
from ..lifecycle.standing import Standing as OpenAlert
from .owned import FORECAST
from .settings import Threshold
from .standing import Standing

GOOD_AGAIN: Final = 0.95
"""A forecast that has been above the amount is good again below this share of it: it wavers from hour to hour."""


def rules(standing: Standing) -> dict[str, Threshold | None]:
    """The ids of its rules, with None that of the forecast."""
    owned = standing.share.owned
    found: dict[str, Threshold | None] = {owned.rule(one.label): one for one in owned.budget.thresholds}
    return {**found, owned.rule(FORECAST): None} if owned.budget.forecast else found


def highest(standing: Standing) -> str | None:
    """The rule of the highest threshold that is reached: the one that is told."""
    return standing.share.owned.rule(standing.crossed[-1].label) if standing.crossed else None


def above(standing: Standing, rule: str) -> list[str]:
    """The rules of higher thresholds than this one's."""
    labels = [standing.share.owned.rule(one.label) for one in standing.share.budget.thresholds]
    return labels[labels.index(rule) + 1 :]


def limit(standing: Standing, threshold: Threshold | None) -> int:
    """How many nano-dollars a threshold, or the amount, stands for."""
    return standing.amount if threshold is None else int(threshold.percent * standing.amount / 100)


def observations(standing: Standing, firing: Mapping[str, str], told: bool = False) -> Iterator[Observation]:
    """``firing`` has the period's name of each of its rules that have an open alert.

    Of thresholds that are reached at once only the highest opens an alert, which names the others. With ``told`` that
    one does not either: a higher one was told in this period, before the amount was raised.
    """
    if standing.spent is None:
        return
    top = highest(standing)
    for rule, threshold in rules(standing).items():
        broken, before = _broken(standing, threshold), firing.get(rule)
        present = before == standing.period.name
        if broken is None and present:
            continue
        opens = bool(broken) and (present or threshold is None or (rule == top and not told))
        if opens or before is not None:
            yield _observation(standing, rule, threshold, opens, _lower(standing, rule, firing))


def ended(alert: OpenAlert) -> Observation:
    """Of an alert whose budget or threshold is gone: of no period, or one resolved by hand would wait for the next."""
    return Observation(
        organization=alert.organization,
        rule=alert.rule,
        subject=alert.subject,
        name=alert.name,
        broken=False,
        severity=alert.severity,
        title=f"{alert.title} (the budget or its threshold is gone)",
    )


def _broken(standing: Standing, threshold: Threshold | None) -> bool | None:
    if not standing.share.budget.enabled:
        return False
    return _bad(standing) if threshold is None else threshold in standing.crossed


def _bad(standing: Standing) -> bool | None:
    """Whether it is forecast to be exceeded; None where it is exceeded, between bad and good, or not known."""
    forecast, amount = standing.forecast, standing.amount
    if forecast is None or standing.exceeded:
        return None
    return True if forecast > amount else False if forecast < GOOD_AGAIN * amount else None


def _lower(standing: Standing, rule: str, firing: Mapping[str, str]) -> list[str]:
    """Thresholds that are reached too and have no alert of their own."""
    owned = standing.share.owned
    if rule != highest(standing):
        return []
    return [
        f"{one.label} %" for one in standing.crossed[:-1] if firing.get(owned.rule(one.label)) != standing.period.name
    ]


def _observation(
    standing: Standing, rule: str, threshold: Threshold | None, broken: bool, lower: list[str]
) -> Observation:
    budget, period = standing.share.budget, standing.period
    facts = [*_facts(standing), *([("Also reached", ", ".join(lower))] if lower else [])]
    value = standing.spent if threshold is not None else standing.forecast
    labels = {"budget": budget.name, "scope": budget.scope}
    if budget.scope not in ("organization", "tag"):
        labels[budget.scope] = budget.value
    if budget.scope == "tag":
        labels["tag"] = budget.value
    return Observation(
        organization=standing.share.organization,
        rule=rule,
        name=f"budget {budget.name}",
        broken=broken,
        severity="warning" if threshold is None else threshold.severity,
        title=_title(standing, threshold, broken),
        value=None if value is None else float(Decimal(value).scaleb(-9)),
        threshold=float(Decimal(limit(standing, threshold)).scaleb(-9)),
        window=period.name,
        channels=tuple(budget.channels),
        labels=labels,
        facts=tuple(facts),
        data={"budget": standing.share.owned.id, "period": period.name, "percent": _percent(standing)},
    )


def _title(standing: Standing, threshold: Threshold | None, broken: bool) -> str:
    budget, when = standing.share.budget, standing.period.name
    if threshold is None and not broken:
        return f"Budget {budget.name} is not forecast to be exceeded in {when}"
    if threshold is None:
        day = f", on {standing.exhausted_on.isoformat()}" if standing.exhausted_on else ""
        return f"Budget {budget.name} is forecast to be exceeded in {when}{day}"
    spent, amount = about_usd(standing.spent or 0), about_usd(standing.amount)
    if threshold.percent >= 100 and standing.exceeded:
        return f"Budget {budget.name} is exceeded in {when}: {spent} of {amount}"
    return f"Budget {budget.name} is used to {_percent(standing)} % in {when}: {spent} of {amount}"


def _facts(standing: Standing) -> Iterator[tuple[str, str]]:
    budget = standing.share.budget
    if budget.scope != "organization":
        yield budget.scope.capitalize(), budget.value
    yield "Spent", about_usd(standing.spent or 0)
    yield (
        "Budget",
        f"{about_usd(standing.amount)} per {budget.per}" if budget.per != "total" else about_usd(standing.amount),
    )
    yield "Used", f"{_percent(standing)} %"
    if standing.forecast is not None:
        yield "Forecast", about_usd(standing.forecast)
    if standing.exhausted_on is not None:
        yield "Used up on", standing.exhausted_on.isoformat()
    if budget.hard:
        yield "Calls beyond it", f"refused with {budget.status}"


def _percent(standing: Standing) -> str | None:
    return None if standing.percent is None else f"{standing.percent.normalize():f}"
