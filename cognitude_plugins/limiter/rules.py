"""A limit made ready to be applied, and what limits beside each other may not say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import translate
from hashlib import sha256
from itertools import permutations
from re import Pattern, compile
from typing import TYPE_CHECKING, Final, Literal

from hooks import Ceiling

from .charge import Kind

if TYPE_CHECKING:
    from .settings import Limit

Origin = Literal["configuration", "operator", "organization", "budget"]
"""Who set it: plugins.yaml, a gateway admin for one organization, the organization for itself, or who sets budgets."""

SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_678_400}
"""Of the longest window with that name: a month has 31 days."""
_KINDS: Final = {"sliding": Kind.SLIDING, "calendar": Kind.CALENDAR, "bucket": Kind.BUCKET}
_NANO: Final = Decimal(10**9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One limit. ``limit`` and ``burst`` are whole: requests, tokens, nano-dollars, calls under way.

    Two are equal only if they are one and the same: what is made of it once is then found again without a look inside.
    ``field`` is the name of its counter, the same as long as it counts the same; ``key`` is set where it is for one
    key only. One that a `Ceiling` is made into has it: it is for calls with one value alone, and ``per`` may be
    ``total``.
    """

    scope: str
    unit: str
    per: str
    kind: Kind
    limit: int
    burst: int
    field: str
    origin: Origin = "configuration"
    key: str = ""
    models: tuple[str, ...] | None = None
    ceiling: Ceiling | None = None
    _matches: Pattern[str] | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def window(self) -> int:
        """Milliseconds."""
        return SECONDS[self.per] * 1000 if self.per else 0

    @property
    def shown(self) -> str:
        """As in ``100 requests per minute``; dollars without trailing zeros."""
        per = " in all" if self.per == "total" else f" per {self.per}" if self.per else ""
        if self.unit == "cost_usd":
            return f"{usd(self.limit)} USD{per}"
        return f"{self.limit} {'calls under way' if self.unit == 'concurrency' else self.unit}{per}"

    def applies(self, model: str) -> bool:
        return self._matches is None or self._matches.match(model) is not None


def rule_of(limit: Limit, origin: Origin = "configuration", key: str = "") -> Rule:
    models = _patterns(limit)
    return Rule(
        scope=limit.scope,
        unit=limit.unit,
        per=limit.per or "",
        kind=Kind.LEASE if limit.unit == "concurrency" else _KINDS[limit.window],
        limit=_whole(limit.unit, limit.limit),
        burst=_whole(limit.unit, limit.burst or limit.limit),
        field=identity(limit),
        origin=origin,
        key=key,
        models=models,
        _matches=None if models is None else compile("|".join(map(_translated, models))),
    )


def identity(limit: Limit) -> str:
    """What makes two limits the same one, with another number: ``requests/minute/sliding``."""
    patterns = _patterns(limit)
    models = "" if patterns is None else "/" + sha256("\0".join(patterns).encode()).hexdigest()[:12]
    return f"{limit.unit}/{limit.per or 'now'}/{limit.window}{models}"


def consistent(limits: Sequence[Limit]) -> None:
    """Raises ``ValueError`` for two that are the same limit, and for a long window lower than a short one."""
    seen: dict[tuple[str, str], Limit] = {}
    alike: dict[tuple[str, str, tuple[str, ...]], list[Limit]] = {}
    for limit in limits:
        if seen.setdefault((limit.scope, identity(limit)), limit) is not limit:
            raise ValueError(f"there are two limits of {limit.unit} {_name(limit)} of {_whose(limit)}")
        alike.setdefault((limit.scope, limit.unit, _patterns(limit) or ()), []).append(limit)
    for group in alike.values():
        for longer, shorter in permutations(group, 2):
            if _lower(longer, shorter):
                raise ValueError(
                    f"{_name(longer)} {longer.limit} is lower than {_name(shorter)} {shorter.limit} "
                    f"({longer.unit} of {_whose(longer)}): the shorter window could never be used up"
                )


def usd(nano: int) -> str:
    return f"{Decimal(nano) / _NANO:.9f}".rstrip("0").rstrip(".")


def _translated(pattern: str) -> str:
    """Only ``*`` stands for something; `translate` makes it of a kind that does not go back and forth."""
    return translate(pattern.replace("[", "[[]").replace("?", "[?]"))


def _lower(longer: Limit, shorter: Limit) -> bool:
    if longer.per is None or shorter.per is None:
        return False
    return SECONDS[longer.per] > SECONDS[shorter.per] and longer.limit < shorter.limit


def _whose(limit: Limit) -> str:
    return "all together" if limit.scope == "global" else f"each {limit.scope}"


def _patterns(limit: Limit) -> tuple[str, ...] | None:
    """In one order, each once: lists that say the same are the same."""
    return None if limit.models is None else tuple(sorted(set(limit.models)))


def _name(limit: Limit) -> str:
    return f"per_{limit.per}" if limit.per else "at once"


def _whole(unit: str, value: Decimal) -> int:
    return int((value * _NANO if unit == "cost_usd" else value).to_integral_value(ROUND_HALF_UP))
