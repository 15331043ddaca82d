"""The rows of experiments: what is read and written within a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Double, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .exposure import Exposed, Sums
from .results import METRICS, ArmSums, Moments
from .tables import BalancerExposure

_ROW: Final[Any] = BalancerExposure.__table__  # type: ignore[attr-defined]
_KEY: Final = ("organization", "experiment", "arm", "unit")


def add(connection: Connection, rows: Sequence[tuple[Exposed, Sums]], now_ms: int) -> None:
    """To what is there. The rows are sorted, so that of two workers none waits for one that waits for it."""
    values = [{**exposed._asdict(), **asdict(sums), "updated_ms": now_ms} for exposed, sums in rows]
    upsert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(_ROW)
    added = {
        column.name: column + upsert.excluded[column.name]
        for column in _ROW.columns
        if not column.primary_key and column.name != "updated_ms"
    }
    changes = {**added, "updated_ms": upsert.excluded.updated_ms}
    connection.execute(upsert.on_conflict_do_update(index_elements=_KEY, set_=changes), values)


def forget(connection: Connection, before_ms: int) -> int:
    """How many users' rows went."""
    return int(connection.execute(delete(_ROW).where(_ROW.c.updated_ms < before_ms)).rowcount)


def arm_sums(connection: Connection, organization: str) -> Mapping[tuple[str, str], ArmSums]:
    """By experiment and arm: each user is one observation of each metric that is known of it.

    Variances are summed around the mean: a difference of large squares would lose them.
    """
    users = _users(organization)
    means = select(
        users.c.experiment, users.c.arm, *(func.avg(users.c[name]).label(name) for name in METRICS)
    ).group_by(users.c.experiment, users.c.arm)
    mean = means.cte("means")
    same = (users.c.experiment == mean.c.experiment) & (users.c.arm == mean.c.arm)
    squares = [
        func.sum((users.c[name] - mean.c[name]) * (users.c[name] - mean.c[name])).label(f"{name}_squares")
        for name in METRICS
    ]
    wanted = (
        select(
            users.c.experiment,
            users.c.arm,
            func.count().label("users"),
            *(func.sum(users.c[name]).label(name) for name in ("calls", "errors")),
            *(func.count(users.c[name]).label(f"{name}_n") for name in METRICS),
            *(func.avg(users.c[name]).label(f"{name}_mean") for name in METRICS),
            *squares,
        )
        .select_from(users.join(mean, same))
        .group_by(users.c.experiment, users.c.arm)
    )
    return {(row["experiment"], row["arm"]): _sums(row) for row in connection.execute(wanted).mappings()}


def _users(organization: str) -> Any:
    columns = _ROW.c
    return (
        select(
            columns.experiment,
            columns.arm,
            columns.calls,
            columns.errors,
            _ratio(columns.errors, columns.calls).label("error_rate"),
            _ratio(columns.cost_nano_usd, columns.priced, 1e9).label("cost_usd"),
            _ratio(columns.microseconds, columns.timed, 1e6).label("latency_seconds"),
            _ratio(columns.score, columns.scored).label("score"),
        )
        .where(columns.organization == organization)
        .cte("users")
    )


def _ratio(total: Any, count: Any, unit: float = 1.0) -> Any:
    """NULL where nothing was counted."""
    return cast(total, Double) / func.nullif(cast(count, Double) * unit, 0.0)


def _sums(row: Any) -> ArmSums:
    return ArmSums(
        users=int(row["users"]),
        calls=int(row["calls"]),
        errors=int(row["errors"]),
        moments={
            name: Moments(
                n=int(row[f"{name}_n"]),
                mean=float(row[f"{name}_mean"] or 0.0),
                squares=float(row[f"{name}_squares"] or 0.0),
            )
            for name in METRICS
        },
    )
