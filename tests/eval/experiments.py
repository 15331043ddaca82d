"""The questions that are asked of the router: in domain, few labels, an unseen domain, an unseen pair, its speed."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Final

from cognitude_plugins.complexity_router import model, training
from cognitude_plugins.complexity_router.complexity import complexity
from cognitude_plugins.complexity_router.features import describe
from cognitude_plugins.complexity_router.tasks import task_type

from .metrics import Sorted, figures
from .outcomes import Row, examples, of_pair, sources, without_duplicates

FEW: Final = 1_500
FEW_DRAWS: Final = 5
PAIR_LABELS: Final = 300
PAIR_DRAWS: Final = 20
PAIR_STRENGTH: Final = 20.0
"""How many labels the mean of all labels counts for in a task type's gain."""
LEAST_GAP: Final = 0.05
NAMED_PAIRS: Final = (
    ("claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
    ("gpt-4o-mini-2024-07-18", "o1-mini-2024-09-12"),
)

Key = tuple[str, str]
Say = Callable[[str], None]
Line = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One set of data, one seed."""

    rows: Sequence[Row]
    rivals: Mapping[str, Mapping[Key, float]]
    """Rival → source and prompt → score."""
    seed: int
    say: Say

    def source(self, name: str) -> list[Row]:
        return [row for row in self.rows if row.source == name]

    def weights(self, rows: Sequence[Row], what: str) -> model.Weights:
        self.say(f"{what}: learning from {len(rows)} labels")
        return training.fit(examples(rows), seed=self.seed).weights

    def line(self, name: str, rows: Sequence[Row], scores: Sequence[float], **more: object) -> Line:
        measured = figures(scores, [row.weak for row in rows], [row.strong for row in rows], seed=self.seed)
        return {"name": name, "rows": len(rows), **asdict(measured), **more}

    def ours(self, name: str, rows: Sequence[Row], weights: model.Weights | None, **more: object) -> Line:
        """Without weights nothing is known, and all prompts tie."""
        scored = [model.score(weights, row.features) for row in rows] if weights else []
        known = sum(one.known for one in scored) / len(rows)
        return self.line(name, rows, [one.gain for one in scored] or [0.0] * len(rows), known=known, **more)


def in_domain(study: Study) -> list[Line]:
    """Half the prompts of each source to learn from, half to test; then one fit for all sources; rivals beside."""
    lines = []
    halves = [row for row in study.rows if row.odd]
    together = study.weights(halves, "in domain, all sources together")
    for name in sources(study.rows):
        learn, test = _halves(study.source(name))
        if len(learn) < training.LEAST_ROWS or not test:
            continue
        weights = study.weights(learn, f"in domain, {name}")
        lines.append(study.ours("router", test, weights, source=name, labels=len(learn)))
        lines.append(study.ours("router, one for all", test, together, source=name, labels=len(halves)))
        for rival, scores in study.rivals.items():
            lines.append(study.line(rival, test, [scores[row.source, row.prompt] for row in test], source=name))
    return lines


def few_labels(study: Study) -> list[Line]:
    """The largest source from `FEW` labels, none of which is nearly a test prompt; the mean of some draws."""
    name = max(sources(study.rows), key=lambda one: len(study.source(one)))
    learn, test = _halves(study.source(name))
    clean = without_duplicates(learn, test)
    if len(clean) <= FEW:
        return []
    lines = []
    for draw in range(FEW_DRAWS):
        chosen = random.Random(f"{study.seed}.{draw}").sample(clean, FEW)
        weights = study.weights(chosen, f"{FEW} clean labels, draw {draw + 1}")
        lines.append(study.ours(f"draw {draw + 1}", test, weights, source=name, labels=FEW))
    return lines


def unseen_domain(study: Study) -> list[Line]:
    """Every source by weights that had labels of other sources only. Those of other pairs say nothing of it."""
    return [_unseen(study, name, "router", pooled=False) for name in sources(study.rows)]


def pooled_pairs(study: Study) -> list[Line]:
    """The same with the labels of all pairs in one fit, which is what the router does not do, and why."""
    return [_unseen(study, name, "all pairs", pooled=True) for name in sources(study.rows)]


def _unseen(study: Study, name: str, what: str, *, pooled: bool) -> Line:
    test = study.source(name)
    others = without_duplicates([row for row in study.rows if row.source != name], test)
    learn = [row for row in others if pooled or row.pair == test[0].pair]
    enough = len(learn) >= training.LEAST_ROWS
    weights = study.weights(learn, f"unseen domain, {name}, {what}") if enough else None
    return study.ours(what, test, weights, source=name, labels=len(learn))


def unseen_pair(study: Study) -> list[Line]:
    """A pair of models never seen: `PAIR_LABELS` of its labels, and the mean gain per task type of them."""
    many = [row for row in study.rows if row.scores]
    names = sorted({name for row in many for name in row.scores})
    study.say(f"unseen pair: {len(names)} models")
    kinds = {row.prompt: task_type(row.features) for row in many}
    lines: list[Line] = []
    for weak, strong in permutations(names, 2):
        rows = of_pair(many, weak, strong)
        gap = statistics.fmean(row.gain for row in rows) if rows else 0.0
        if gap >= LEAST_GAP and len(rows) > 2 * PAIR_LABELS:
            drawn = [_table_apgr(rows, kinds, random.Random(f"{study.seed}.{draw}")) for draw in range(PAIR_DRAWS)]
            named = (weak, strong) in NAMED_PAIRS
            lines.append({"name": f"{weak} → {strong}", "gap": gap, "apgr": statistics.fmean(drawn), "named": named})
    return lines


def _table_apgr(rows: Sequence[Row], kinds: Mapping[str, str], chance: random.Random) -> float:
    order = chance.sample(range(len(rows)), len(rows))
    labels, test = [rows[index] for index in order[:PAIR_LABELS]], [rows[index] for index in order[PAIR_LABELS:]]
    gains = shrunk([(kinds[row.prompt], row.gain) for row in labels], PAIR_STRENGTH)
    mean = statistics.fmean(row.gain for row in labels)
    scores = [gains.get(kinds[row.prompt], mean) for row in test]
    area = Sorted(scores, [row.weak for row in test], [row.strong for row in test]).curve().apgr
    return 0.5 if area is None else area


def shrunk(labels: Iterable[tuple[str, float]], strength: float) -> dict[str, float]:
    """Task type → mean gain, drawn towards the mean of all labels as if `strength` labels said that."""
    listed = list(labels)
    mean = statistics.fmean(gain for _, gain in listed)
    gains: dict[str, list[float]] = defaultdict(list)
    for kind, gain in listed:
        gains[kind].append(gain)
    return {kind: (sum(some) + strength * mean) / (len(some) + strength) for kind, some in gains.items()}


def latency(study: Study, weights: model.Weights) -> list[Line]:
    """Features, task type, complexity and score of one prompt, in microseconds; of three times the least."""
    study.say("latency")
    usual = [row.prompt for row in study.rows if 300 <= len(row.prompt) <= 500][:3_000]
    long = " ".join(row.prompt for row in study.rows[:2_000])[:100_000]
    odd = ("([{;" * 25_000)[:100_000]
    return [
        _times("300 to 500 characters", usual, weights),
        _times("100 000 characters", [long] * 200, weights),
        _times("100 000 characters of signs", [odd] * 200, weights),
    ]


def _times(name: str, prompts: Sequence[str], weights: model.Weights) -> Line:
    gc.collect()
    gc.freeze()  # all the rows, which no gateway holds
    spent = [min(_once(prompt, weights) for _ in range(3)) for prompt in prompts]
    spent.sort()
    return {"name": name, "p50": spent[len(spent) // 2], "p99": spent[int(0.99 * len(spent))]} if spent else {}


def _once(prompt: str, weights: model.Weights) -> float:
    start = time.perf_counter_ns()
    features = describe(prompt)
    task_type(features)
    complexity(features)
    model.score(weights, features)
    return (time.perf_counter_ns() - start) / 1_000


def shipped(study: Study, weights: model.Weights) -> list[Line]:
    """Every source by the weights of the package: says something of rows that they were not learned from."""
    return [
        study.ours("shipped", rows, weights, source=name)
        for name in sources(study.rows)
        if (rows := study.source(name))
    ]


def _halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    return [row for row in rows if row.odd], [row for row in rows if not row.odd]
