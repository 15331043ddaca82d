"""A ledger in memory, for testing plugins that ask it: exact, and of every time as it was put in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import product
from math import floor
from typing import TYPE_CHECKING, Final, Literal, get_args

from .errors import Unanswerable
from .gateway import EVERY_ORGANIZATION, Booked, Dimension, Sums

if TYPE_CHECKING:
    from sqlalchemy import Subquery

FILTERS: Final = ("key", "user", "model", "provider", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCall:
    """One call of the fake ledger; ``at`` is when it arrived. ``cost_nano_usd`` is None where it is not known."""

    at: datetime
    id: str = ""
    organization: str = "acme"
    key: str = "key-1"
    user: str | None = None
    model: str = "sim"
    provider: str = "simulated"
    source: str = "provider"
    status: int = 200
    complete: bool = True
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano_usd: int | None = 0
    saved_nano_usd: int = 0
    seconds: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    requested_model: str = ""
    complexity: str | None = None
    route: str | None = None


class FakeLedger:
    """A `Ledger` of the calls it is given. Without ``until`` its methods answer of everything from ``since`` on."""

    def __init__(self, *calls: FakeCall) -> None:
        self.made = list(calls)

    def add(self, *calls: FakeCall) -> None:
        self.made += calls

    async def spent(self, organization: str, *, since: datetime, until: datetime | None = None, **filters: str) -> int:
        return sum(call.cost_nano_usd or 0 for call in self._found(organization, since, until, filters))

    async def usage(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        group_by: tuple[str, ...] = (),
        zone: str = "UTC",
        quantiles: tuple[float, ...] = (),
        total: bool = False,
        among: Collection[str] | None = None,
        **filters: str,
    ) -> tuple[Sums, ...]:
        if total and "tag" in group_by:
            raise ValueError("groups by tag have no total: calls with two tags count twice")
        across = organization == EVERY_ORGANIZATION
        known = tuple(name for name in get_args(Dimension) if across or name != "organization")
        _known("dimension", tuple(name for name in group_by if not name.startswith("tag:")), known)
        local = _zone(zone)
        groups: dict[tuple[str, ...], list[FakeCall]] = {} if group_by else {(): []}
        for call in self._found(organization, since, until, filters):
            if among is not None and call.organization not in among:
                continue
            for group in product(*(_values(call, name, local) for name in group_by)):
                groups.setdefault(group, []).append(call)
        ordered = sorted(groups, key=lambda group: [_place(*one) for one in zip(group_by, group, strict=True)])
        found = [_sums(dict(zip(group_by, group, strict=True)), groups[group], quantiles) for group in ordered]
        everything = [call for calls in groups.values() for call in calls]
        return (*found, _sums({}, everything, quantiles)) if total and group_by else tuple(found)

    def calls(self, organization: str, *, since: datetime, until: datetime | None = None) -> Subquery:
        """Raises ``NotImplementedError``: it has no database. A test of that runs a gateway with one."""
        raise NotImplementedError("a FakeLedger has no database to select from")

    async def calls_since(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC)

    async def latency(
        self,
        organization: str,
        *,
        since: datetime,
        until: datetime | None = None,
        quantiles: tuple[float, ...] = (0.5, 0.95, 0.99),
        **filters: str,
    ) -> tuple[float, ...] | None:
        found = list(self._found(organization, since, until, filters))
        return _seconds(found, quantiles) if found else None

    async def find(self, organization: str, id: str) -> Booked | None:
        found = [call for call in self.made if (call.organization, call.id) == (organization, id)]
        return _booked(found[0]) if found and id else None

    def _found(
        self, organization: str, since: datetime, until: datetime | None, filters: Mapping[str, str]
    ) -> Iterator[FakeCall]:
        _known("filter", tuple(filters), FILTERS)
        for when in (since, until):
            if when is not None and when.utcoffset() is None:
                raise ValueError(f"{when.isoformat()} has no time zone")
        if "=" not in filters.get("tag", "="):
            raise Unanswerable(f"tag must be name=value, not {filters['tag']!r}", what="filter", name="tag")
        for call in self.made:
            within = since <= call.at and (until is None or call.at < until)
            whose = organization in (EVERY_ORGANIZATION, call.organization)
            if within and whose and all(_fits(call, *one) for one in filters.items()):
                yield call


def _booked(call: FakeCall) -> Booked:
    return Booked(
        id=call.id,
        at=call.at,
        requested_model=call.requested_model or call.model,
        model=call.model,
        key=call.key,
        user=call.user,
        source=call.source,
        status=call.status,
        complexity=call.complexity,
        route=call.route,
        cost_nano_usd=call.cost_nano_usd,
    )


def _known(what: Literal["dimension", "filter"], names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise Unanswerable(f"unknown {what} {name!r}: it is one of {', '.join(known)}", what=what, name=name)
    if len(set(names)) != len(names):
        raise Unanswerable(f"a {what} is named twice: {', '.join(names)}", what=what)


def _fits(call: FakeCall, name: str, value: str) -> bool:
    if name == "tag":
        tag, _, wanted = value.partition("=")
        return call.tags.get(tag) == wanted
    return _value(call, name) == value


def _value(call: FakeCall, name: str, zone: tzinfo = UTC) -> str:
    """A call without a user counts under the empty name."""
    if name == "day":
        return call.at.astimezone(zone).date().isoformat()
    if name == "hour":
        local = call.at.astimezone(zone)
        offset = timezone(local.utcoffset() or timedelta())
        return local.replace(minute=0, second=0, microsecond=0, tzinfo=offset).isoformat(timespec="minutes")
    if name.startswith("tag:"):
        return call.tags.get(name[4:], "")
    return str(getattr(call, name) or "")


def _values(call: FakeCall, name: str, zone: tzinfo) -> list[str]:
    """Each tag for ``tag``."""
    return [f"{tag}={value}" for tag, value in call.tags.items()] if name == "tag" else [_value(call, name, zone)]


def _place(name: str, value: str) -> tuple[float, str]:
    return (datetime.fromisoformat(value).timestamp() if name == "hour" else 0, value)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unanswerable(f"there is no time zone {name!r}", what="zone") from None


def _seconds(calls: list[FakeCall], quantiles: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 <= one <= 1 for one in quantiles):
        raise Unanswerable(f"a quantile is between 0 and 1: {quantiles}", what="quantile")
    seconds = sorted(call.seconds for call in calls)
    return tuple(seconds[floor(one * (len(seconds) - 1))] for one in quantiles) if seconds else ()


def _sums(group: Mapping[str, str], calls: list[FakeCall], quantiles: tuple[float, ...]) -> Sums:
    good = [call for call in calls if call.status < 400]
    return Sums(
        group=group,
        calls=len(calls),
        errors=len(calls) - len(good),
        limited=sum(call.status == 429 for call in calls),
        hits=sum(call.source not in ("provider", "error", "dry_run", "hedge") for call in good),
        incomplete=sum(not call.complete for call in calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        reasoning_tokens=sum(call.reasoning_tokens for call in calls),
        cost_nano_usd=sum(call.cost_nano_usd or 0 for call in calls),
        saved_nano_usd=sum(call.saved_nano_usd for call in calls),
        unpriced=sum(call.cost_nano_usd is None for call in calls),
        seconds=_seconds(calls, quantiles),
        seconds_sum=sum(round(call.seconds * 1e6) for call in calls) / 1e6,
    )
