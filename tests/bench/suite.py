"""One run of everything: the subjects in turn, round after round, so that a slow minute of the machine hits all."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from . import subjects
from .figures import Round, Visit
from .machine import cores
from .measure import Sample, running, sample, warm_up
from .scenarios import BURST, CHUNK_MS, OTHER, SATURATED, Effort
from .subjects import Subject, Upstreams, simulate

NAMES = (
    *("direct", "floor", "empty", "unaccounted", "noop10", "builtin", "limited", "limited4", "limited-redis"),
    *("turned-away", "refused", "bare", "middleware", "litellm"),
)
_WITHOUT_UPSTREAM = (SATURATED, BURST, OTHER)
_WHOLE_ONLY = ("turned-away", "refused")


def measured(effort: Effort, names: Sequence[str], folder: Path) -> list[Round]:
    with upstreams(folder) as ports:
        every = [one for name in NAMES if name in names for one in [_subject(name, ports, folder)]]
        return [dict(_round(number, effort, every, folder)) for number in range(effort.runs)]


@contextmanager
def upstreams(folder: Path) -> Iterator[Upstreams]:
    """Two simulated models on the core of the load generator."""
    core = cores()[1]
    with ExitStack() as stack:
        ports = [
            stack.enter_context(running(Subject(name=name, command=simulate(chunk_ms=pause)), folder, core)).port
            for name, pause in (("upstream", 0.0), ("upstream-paced", CHUNK_MS))
        ]
        yield Upstreams(fast=ports[0], paced=ports[1])


def _subject(name: str, ports: Upstreams, folder: Path) -> Subject:
    made: dict[str, Callable[[], Subject]] = {
        "direct": lambda: subjects.direct(ports),
        "floor": lambda: subjects.floor(ports),
        "empty": lambda: subjects.empty(ports, folder),
        "unaccounted": lambda: subjects.unaccounted(ports, folder),
        "noop10": lambda: subjects.noop10(ports, folder),
        "builtin": lambda: subjects.builtin(ports, folder),
        "limited": lambda: subjects.limited(ports, folder),
        "limited4": lambda: subjects.limited4(ports, folder),
        "limited-redis": lambda: subjects.limited(ports, folder, redis=True),
        "turned-away": lambda: subjects.turned_away(ports, folder),
        "refused": lambda: subjects.refused(ports, folder),
        "bare": subjects.bare,
        "middleware": lambda: subjects.middleware(folder),
        "litellm": lambda: subjects.litellm(ports, folder),
    }
    return made[name]()


def _round(number: int, effort: Effort, every: Sequence[Subject], folder: Path) -> Iterator[tuple[str, Visit]]:
    for subject in every:
        if subject.name != "litellm" or number < effort.peer_runs:
            yield subject.name, visit(subject, effort, folder, f"round {number + 1} of {effort.runs}")


def visit(subject: Subject, effort: Effort, folder: Path, label: str) -> Visit:
    """Start it, warm it up, take a sample of each scenario it has."""
    began = perf_counter()
    under_test, beside = cores()
    samples: dict[str, Sample] = {}
    with running(subject, folder, beside if subject.name == "direct" else under_test) as one:
        warm_up(one)
        for scenario in effort.scenarios:
            if subject.other is not None and scenario not in _WITHOUT_UPSTREAM:
                continue
            if subject.name in _WHOLE_ONLY and scenario != SATURATED:
                continue
            found = sample(one, scenario, effort.seconds)
            if found is not None:
                samples[scenario.name] = found
        memory = one.memory_mb()
    say(f"{label}: {subject.name} ({perf_counter() - began:.0f} s)")
    return Visit(ready_seconds=one.ready_seconds, memory_mb=memory, samples=samples)


def imports_litellm(folder: Path) -> bool:
    """Whether a gateway that needs no LiteLLM imports it until its first answered call."""
    core = cores()[1]
    with running(Subject(name="upstream-imports", command=simulate()), folder, core) as upstream:
        gateway = subjects.empty(Upstreams(fast=upstream.port, paced=upstream.port), folder)
        python, *arguments = gateway.command
        traced = replace(gateway, name="imports", command=(python, "-X", "importtime", *arguments))
        with running(traced, folder, core):
            pass
    return re.search(r"\| +litellm$", (folder / "imports.log").read_text(), re.MULTILINE) is not None


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
