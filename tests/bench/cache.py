"""What a hit costs from each layer, what a miss costs more than no cache, and what large answers do to small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Final

from tests.redis_servers import RedisServer

from . import subjects
from .comparisons import Compared
from .figures import Promises, Round, Visit, across, of_sample, ratios
from .machine import cores, described, started_on
from .measure import Running, Sample, Scenario, free_port, running, sample, warm_up
from .report import grid, promises, written
from .scenarios import Effort
from .subjects import Subject, Upstreams, peers_installed
from .suite import say, upstreams

HITS: Final = Scenario(name="each its own question", kind="whole", concurrency=16, questions=16)
MISSES: Final = Scenario(name="a new question", kind="whole", concurrency=1, questions=0, pause=0.002)
"""The pause is for what is done after the last byte: it is not what the next call waits for."""
LIGHT: Final = Scenario(name="a light load", kind="whole", concurrency=4, questions=4, pause=0.005)
BESIDE: Final = "a light load beside large answers"
_LARGE: Final = Scenario(name="a megabyte", kind="large", concurrency=1, pause=0.01)

_SCENARIOS: Final = {
    "floor": (HITS, MISSES),
    "constant": (HITS, MISSES),
    "constant-get": (HITS, MISSES),
    "empty": (MISSES,),
    "cached-memory": (HITS,),
    "cached-redis": (HITS,),
    "cached-sql": (HITS,),
    "cached": (MISSES,),
    "litellm-cached": (HITS,),
}
NAMES: Final = tuple(_SCENARIOS)


def _of(subject: str, scenario: Scenario, field: str = "cpu_us") -> Callable[[Round], float]:
    return of_sample(subject, scenario.name, field)


def _get(scenario: Scenario, field: str) -> Callable[[Round], float]:
    """A GET by itself: what asking Redis adds to the constant endpoint."""
    without, asking = _of("constant", scenario, field), _of("constant-get", scenario, field)
    return lambda one: asking(one) - without(one)


def _redis_gets(one: Round) -> float:
    added = _of("cached-redis", HITS)(one) - _of("cached-memory", HITS)(one)
    return added / _get(HITS, "cpu_us")(one)


def _miss_share(one: Round) -> float:
    added = _of("cached", MISSES, "p50_us")(one) - _of("empty", MISSES, "p50_us")(one)
    return (added - _get(MISSES, "p50_us")(one)) / _of("floor", HITS)(one)


def _p99_beside(one: Round) -> float:
    samples = one["cached-memory"].samples
    return samples[BESIDE].p99_us / samples[LIGHT.name].p99_us


PROMISES: Final[Promises] = (
    (
        "a hit from memory: CPU, times a constant Starlette endpoint",
        lambda one: _of("cached-memory", HITS)(one) / _of("constant", HITS)(one),
        1.6,
        False,
    ),
    ("a hit from Redis: CPU beyond one from memory, in GETs", _redis_gets, 1.5, False),
    (
        "a hit from the database: p50, times one from memory",
        lambda one: _of("cached-sql", HITS, "p50_us")(one) / _of("cached-memory", HITS, "p50_us")(one),
        10,
        False,
    ),
    (
        "a hit from Redis: requests per core, times LiteLLM's",
        lambda one: _of("litellm-cached", HITS)(one) / _of("cached-redis", HITS)(one),
        50,
        True,
    ),
    ("a miss: p50 added, less one GET, share of the floor's CPU", _miss_share, 0.2, False),
    ("a megabyte each 10 ms: p99 of a light load beside it, times without", _p99_beside, 2, False),
)


def cache(effort: Effort, folder: Path) -> Compared:
    names = [name for name in NAMES if name != "litellm-cached" or peers_installed()]
    with upstreams(folder) as ports, _redis() as server:
        every = [_subject(name, ports, folder, server) for name in names]
        rounds = [dict(_round(number, effort, every, folder)) for number in range(effort.runs)]
    found = ratios(rounds, PROMISES)
    value: dict[str, Any] = {
        "machine": described(),
        "ratios": [{"name": one.name, "kept": one.kept, "limit": one.limit, **asdict(one.figure)} for one in found],
        "rounds": [{name: asdict(visit) for name, visit in one.items()} for one in rounds],
    }
    left_out = [] if peers_installed() else ["left out: LiteLLM's proxy (make .venv/peers.installed)"]
    return value, "\n\n".join([f"{described()}; {len(rounds)} runs, median [least-most]", table(rounds), *left_out])


def table(rounds: Sequence[Round]) -> str:
    columns: list[tuple[str, Scenario, str, str]] = [
        ("hits: requests/s", HITS, "requests_per_second", ".0f"),
        ("hits: CPU µs", HITS, "cpu_us", ".1f"),
        ("hits: p50 µs", HITS, "p50_us", ".0f"),
        ("misses: p50 µs", MISSES, "p50_us", ".0f"),
        ("light load: p99 µs", LIGHT, "p99_us", ".0f"),
    ]
    rows = [["", *(heading for heading, *_ in columns)]]
    for name in NAMES:
        cells = [written(across(rounds, _of(name, scenario, field)), form) for _, scenario, field, form in columns]
        if any(cells):
            rows.append([name, *cells])
    beside = written(across(rounds, of_sample("cached-memory", BESIDE, "p99_us")), ".0f")
    if beside:
        rows.append(["cached-memory, large answers beside", "", "", "", "", beside])
    return f"{grid(rows)}\n\n{promises(ratios(rounds, PROMISES))}"


@contextmanager
def _redis() -> Iterator[RedisServer]:
    """One for all, on the core of the load generator."""
    with TemporaryDirectory(prefix="cognitude-redis-", dir=gettempdir()) as name, started_on(cores()[1]):
        server = RedisServer(Path(name), port=free_port()).start()
        try:
            with server.client() as client:
                client.set("bench-value", "x" * 1000)
            yield server
        finally:
            server.stop()


def _subject(name: str, ports: Upstreams, folder: Path, server: RedisServer) -> Subject:
    made: dict[str, Callable[[], Subject]] = {
        "floor": lambda: subjects.floor(ports),
        "constant": subjects.constant,
        "constant-get": lambda: subjects.constant(name, server.url),
        "empty": lambda: subjects.empty(ports, folder),
        "cached": lambda: subjects.cached(ports, folder, name, "", server.url),
        "cached-memory": lambda: subjects.cached(ports, folder, name, "memory_seconds: 60, redis: false, sql: false"),
        "cached-redis": lambda: subjects.cached(ports, folder, name, "memory_bytes: 0, sql: false", server.url),
        "cached-sql": lambda: subjects.cached(ports, folder, name, "memory_bytes: 0, redis: false"),
        "litellm-cached": lambda: subjects.litellm(ports, folder, name, server.port),
    }
    return made[name]()


def _round(number: int, effort: Effort, every: Sequence[Subject], folder: Path) -> Iterator[tuple[str, Visit]]:
    for subject in every:
        if subject.name == "litellm-cached" and number >= effort.peer_runs:
            continue
        with running(subject, folder, cores()[0]) as one:
            warm_up(one)
            samples = {
                scenario.name: found
                for scenario in _SCENARIOS[subject.name]
                if (found := sample(one, scenario, effort.seconds)) is not None
            }
            if subject.name == "cached-memory":
                samples |= _beside_large(one, effort.seconds)
            visited = Visit(ready_seconds=one.ready_seconds, memory_mb=one.memory_mb(), samples=samples)
        say(f"round {number + 1} of {effort.runs}: {subject.name}")
        yield subject.name, visited


def _beside_large(one: Running, seconds: float) -> dict[str, Sample]:
    """The light load by itself, and while another client asks for megabytes."""
    _asked(one, _LARGE, 0.1)
    alone = _asked(one, LIGHT, seconds)
    with ThreadPoolExecutor(1) as beside:
        large = beside.submit(_asked, one, _LARGE, seconds + 1.0)
        found = _asked(one, LIGHT, seconds)
        large.result()
    return {LIGHT.name: alone, BESIDE: found}


def _asked(one: Running, scenario: Scenario, seconds: float) -> Sample:
    found = sample(one, scenario, seconds)
    assert found is not None
    return found
