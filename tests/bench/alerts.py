"""``python -m tests.bench.alerts``: what one evaluation takes of a thousand rules for a hundred organizations.

In this process, with the gateway's own reader, the plugin's own lifecycle and real databases behind them. The rules
have every metric, six windows and every filter; a few of them are broken.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from sqlalchemy import Connection, text

import cognitude_plugins.alert_channels as plugin
from cognitude_plugins.alert_channels.channels.target import Target
from cognitude_plugins.alert_channels.delivery.outbox import enqueue
from cognitude_plugins.alert_channels.lifecycle.lifecycle import Lifecycle
from cognitude_plugins.alert_channels.rules.bound import Bound
from cognitude_plugins.alert_channels.rules.evaluation import SERIES, Evaluation
from cognitude_plugins.alert_channels.rules.settings import Rule
from cognitude_plugins.gateway.ledger.reader import Reader
from cognitude_plugins.gateway.ledger.rebuild import rebuild
from cognitude_plugins.gateway.ledger.rollups import DAY_MS
from cognitude_plugins.gateway.ledger.row import COLUMNS
from cognitude_plugins.gateway.ledger.tables import CALLS
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from hooks import Sums
from hooks.testing import FakeGateway
from tests.borrowed import Tables

from .document import put
from .machine import described
from .postgres import postgres
from .report import bounds, grid
from .suite import say

ORGANIZATIONS: Final = tuple(f"organization-{number}" for number in range(100))
RULES: Final = 1000
DUE: Final = datetime(2026, 11, 26, 13, 37, tzinfo=UTC)
MOST_SECONDS: Final = 5.0
MOST_ONE_MS: Final = 5.0

_METRICS: Final = {
    "request_rate": 50.0,
    "error_rate": 0.4,
    "latency_mean": 4.0,
    "latency_p95": 30.0,
    "latency_p99": 60.0,
    "cost": 10.0,
    "tokens": 1e6,
    "cache_hit_rate": 0.95,
    "rate_limited_rate": 0.5,
    "daily_cost": 50.0,
    "monthly_cost": 500.0,
}
"""Each with a threshold that few break."""
_WINDOWS: Final = ("5m", "15m", "1h", "6h", "1d", "7d")
_ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")


class Counting(Reader):
    """How many questions it was asked."""

    asked = 0

    async def usage(self, organization: str, **question: Any) -> tuple[Sums, ...]:
        self.asked += 1
        return await super().usage(organization, **question)


class Everyone:
    def targets(self, organization: str) -> tuple[Target, ...]:
        return (Target(id="ops", name="ops", organization="*"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """In seconds, ``processor`` those of this process in the last evaluation.

    ``one`` are those of a single rule for one organization, in an evaluation of its own.
    """

    calls: int
    questions: int
    first: float
    alerts: int
    times: tuple[float, ...]
    one: tuple[float, ...]
    processor: float


def rules(count: int = RULES) -> list[Bound]:
    """Of the gateway's own: each is for every organization."""
    dice, found = random.Random(7), []
    for number in range(count):
        metric = dice.choice(list(_METRICS))
        filters: dict[str, str] = {}
        kind = number % 4
        if kind in (1, 3):
            filters["model"] = f"model-{dice.randrange(5)}"
        if kind == 2:
            filters["key"] = f"key-{dice.randrange(10)}"
        if kind == 3 and number % 8 == 3:
            filters["tag"] = f"team=team-{dice.randrange(7)}"
        window = {} if metric.endswith("y_cost") else {"window": dice.choice(_WINDOWS)}
        values = {
            "name": f"rule-{number}",
            "metric": metric,
            "threshold": _METRICS[metric],
            "every": "1m",
            "min_calls": 10,
        }
        rule = Rule.model_validate({**values, **window, "min_calls": 10, "filters": filters})
        found.append(Bound(id=f"rule_{number}", organization="*", rule=rule))
    return found


async def measured(storage: Storage, folder: Path, calls: int, times: int, bound: Sequence[Bound]) -> Measured:
    """The first evaluation opens what is broken; the others find it open."""
    database = Tables(storage, folder, plugin).lent()
    ledger = Counting(storage, clock=DUE.timestamp)
    world = FakeGateway(
        ledger=ledger,
        database=database,
        time_zones={name: _ZONES[number % len(_ZONES)] for number, name in enumerate(ORGANIZATIONS)},
    )
    life = Lifecycle(database=database, targets=Everyone(), enqueue=enqueue, zone=world.time_zone)
    evaluation = Evaluation(world, life, lambda: bound)
    took = await _run(evaluation, times)
    began = process_time()
    took += await _run(evaluation, 1, after=times)
    processor = process_time() - began
    questions = ledger.asked // (times + 1)
    alerts = len((await life.look(SERIES, DUE)).standing)
    single = [Bound(id="rule_one", organization=ORGANIZATIONS[0], rule=bound[0].rule)]
    one = await _run(Evaluation(world, life, lambda: single), times + 1, after=times + 2)
    return Measured(
        calls=calls,
        questions=questions,
        first=took[0],
        alerts=alerts,
        times=tuple(took[1:]),
        one=tuple(one[1:]),
        processor=processor,
    )


async def _run(evaluation: Evaluation, times: int, after: int = 0) -> list[float]:
    took = []
    for number in range(times):
        began = perf_counter()
        await evaluation.run(DUE + timedelta(minutes=after + number))
        took.append(perf_counter() - began)
    return took


def table(name: str, found: Measured) -> str:
    middle, one = median(found.times), 1000 * median(found.one)
    cells = [
        ["", "first s", "median s", "least-most", "processor s"],
        [
            f"{RULES} rules × {len(ORGANIZATIONS)} organizations",
            f"{found.first:.2f}",
            f"{middle:.2f}",
            f"{min(found.times):.2f}-{max(found.times):.2f}",
            f"{found.processor:.2f}",
        ],
    ]
    promised = [
        (f"{name}, all rules: s", middle, MOST_SECONDS),
        (f"{name}, each of them: ms", 1000 * middle / RULES, MOST_ONE_MS),
    ]
    head = (
        f"**{name}**: {found.calls:,} calls in 31 days, {found.questions} questions to the ledger in each evaluation, "
        f"{found.alerts:,} alerts open after the first, an evaluation of one rule alone {one:.0f} ms"
    )
    return f"{head}\n\n{grid(cells)}\n\n{bounds(promised)}"


def load(storage: Storage, calls: int, folder: Path) -> None:
    """A quarter of them in the last two hours, the others over the 31 days before; and their sums.

    Afterwards the tables are analysed, as the databases do by themselves some time later.
    """
    upgrade(storage, folder / "core.lock")
    due, dice = round(DUE.timestamp() * 1000), random.Random(3)
    lines = list(_lines(calls, due, dice))
    for first in range(0, calls, 10_000):
        some = lines[first : first + 10_000]
        storage.write_now(partial(_put, lines=some), patient=True)
    first_day = due // DAY_MS * DAY_MS - 31 * DAY_MS
    rebuild(storage, first_day, due + DAY_MS, lambda count: None)
    with storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT", immediate=True) as connection:
        connection.execute(text("VACUUM ANALYZE" if storage.dialect == "postgresql" else "ANALYZE"))


def _put(connection: Connection, *, lines: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(CALLS.insert(), [dict(line) for line in lines])


def _lines(calls: int, due: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    nothing = dict.fromkeys(COLUMNS)
    for number in range(calls):
        model, key = dice.randrange(5), dice.randrange(10)
        bad = dice.random() < 0.03
        yield {
            **nothing,
            "id": f"req_{number}",
            "time_ms": due - dice.randrange(2 * 3_600_000 if number % 4 == 0 else 31 * DAY_MS) - 1,
            "organization": dice.choice(ORGANIZATIONS),
            "key": f"key-{key}",
            "api": "chat",
            "requested_model": f"model-{model}",
            "model": f"model-{model}",
            "provider": f"provider-{model % 2}",
            "source": "error" if bad else "provider",
            "status": 429 if bad else 200,
            "stream": False,
            "complete": True,
            "prompt_tokens": 500,
            "completion_tokens": 200,
            "cost_nano_usd": 3_000_000 * (model + 1),
            "saved_nano_usd": 0,
            "latency_us": dice.randrange(300_000, 9_000_000),
            "overhead_us": 400,
            "attempts": 1,
            "tags": f'{{"team":"team-{key % 7}"}}',
        }


def _measured(url: str, name: str, calls: int, times: int, folder: Path) -> str:
    storage = Storage(url)
    try:
        began = perf_counter()
        load(storage, calls, folder)
        say(f"{name}: loaded in {perf_counter() - began:.0f} s")
        return table(name, asyncio.run(measured(storage, folder, calls, times, rules())))
    finally:
        storage.close()


def main() -> int:
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="cognitude-bench-") as folder, postgres() as server, server.fresh() as url:
        parts = []
        for place, name in ((url, "PostgreSQL"), (f"sqlite:///{Path(folder) / 'ledger.sqlite'}", "SQLite")):
            own = Path(folder) / name
            own.mkdir()
            parts.append(_measured(place, name, arguments.calls, arguments.times, own))
    text = f"{described()}\n\n" + "\n\n".join(parts)
    print(text)
    if arguments.write:
        put("alerts", text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alerts", description=__doc__)
    parser.add_argument("--calls", type=int, default=300_000, help="in each database")
    parser.add_argument("--times", type=int, default=5, help="how many evaluations")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
