"""Limits, overrides and counters as the API's answers have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from .bodies import EffectiveLimit, LayerBody, Layers, LimitBody, LimitsConfig, LimitUsage
from .charge import Kind
from .layers import Effective, Layer, Override, effective
from .settings import Limit
from .standing import Standing

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NANO: Final = Decimal(10**9)


def config(
    organization: str, key: str, limits: Sequence[Limit], overrides: Sequence[Override], writes: Layer | None
) -> LimitsConfig:
    found = {one.layer: one for one in overrides if one.key == key}
    return LimitsConfig(
        organization=organization,
        key=key or None,
        limits=[_effective(one) for one in effective(limits, overrides, key)],
        layers=Layers(operator=_layer(found.get("operator")), organization=_layer(found.get("organization"))),
        writes=writes,
    )


def usage(standing: Standing, names: Mapping[str, str]) -> LimitUsage:
    """``names`` has whose counters were asked for, by scope."""
    rule = standing.rule
    amounts = {"limit": rule.limit, "used": standing.used, "remaining": standing.remaining}
    subject = standing.subject.rpartition(":")[2]
    ceiling = rule.ceiling
    if ceiling is not None:
        names, subject = {}, ceiling.value or ceiling.organization
        amounts["reserved"] = standing.reserved
    return LimitUsage.model_validate(
        {
            "scope": rule.scope,
            "subject": names.get(rule.scope) or subject,
            "unit": rule.unit,
            "per": rule.per or None,
            "window": None if rule.kind is Kind.LEASE else rule.kind.name.lower(),
            "models": None if rule.models is None else list(rule.models),
            "reserved": None,
            **{name: _amount(rule.unit, amount) for name, amount in amounts.items()},
            "reset": -(-standing.reset_ms // 1000) or None,
            "reset_at": moment(standing.reset_ms) if standing.reset_ms else None,
            "origin": rule.origin,
            "budget": None if ceiling is None else ceiling.name or ceiling.id,
        }
    )


def moment(ms: int) -> str:
    """``2026-11-21T07:15:23.123Z``."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _layer(override: Override | None) -> LayerBody | None:
    if override is None:
        return None
    return LayerBody(
        limits=[LimitBody(**_limit(limit)) for limit in override.limits], updated_at=moment(override.updated_ms)
    )


def _effective(one: Effective) -> EffectiveLimit:
    return EffectiveLimit(**_limit(one.limit), origin=one.origin, key=one.key or None)


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        **limit.model_dump(),
        "limit": _number(limit.limit),
        "burst": None if limit.burst is None else _number(limit.burst),
    }


def _amount(unit: str, whole: int) -> int | float:
    """In dollars instead of their billionths."""
    return _number(Decimal(whole) / _NANO) if unit == "cost_usd" else whole


def _number(value: Decimal) -> int | float:
    """Dollars have at most 15 digits that count: as many as a float keeps."""
    return int(value) if value == value.to_integral_value() else float(value)
