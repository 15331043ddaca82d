"""``python -m tests.eval.recommendations``: what recommendations find in made-up traffic, and how near they come.

Each mixture is clean traffic with noise and some of the five things planted in it, of which the saving is known.
``--write`` puts the table into docs/recommendations.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from cognitude_plugins.analytics.recommendations.advisor import advise
from cognitude_plugins.analytics.settings import Recommendations
from cognitude_plugins.gateway.storage.database import Storage
from tests.analytics.street import DAYS, NOW, Street, shop
from tests.borrowed import KeptCalls

PAGE: Final = Path(__file__).parents[2] / "docs" / "recommendations.md"
BEGIN: Final = "<!-- evaluation: begin -->"
END: Final = "<!-- evaluation: end -->"
CALLS: Final[Mapping[str, tuple[tuple[str, int, int], ...]]] = {
    "cache_opportunity": (("repeats", 150, 600),),
    "model_downgrade": (("downgrades", 500, 1500),),
    "smart_routing": (("direct", 800, 2000),),
    "max_tokens": (("runaways", 3, 6), ("cuts", 100, 300)),
    "prompt_patterns": (("beginnings", 800, 3000), ("near", 80, 300)),
}
"""By kind how something of it is planted, and with how many calls."""
SHARE: Final = 0.4
"""Of the mixtures that have something of a kind."""


@dataclass(slots=True)
class Score:
    """Of one kind, over mixtures; ``errors`` are relative to the saving that was planted."""

    found: int = 0
    missed: int = 0
    false: int = 0
    errors: list[float] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval.recommendations", description=__doc__)
    parser.add_argument("--mixtures", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the table into docs/recommendations.md")
    arguments = parser.parse_args()
    text = table(asyncio.run(scores(arguments.mixtures, arguments.seed)))
    print(text)
    if arguments.write:
        written(text)
    return 0


async def scores(mixtures: int, seed: int) -> dict[str, Score]:
    found: dict[str, Score] = defaultdict(Score)
    with tempfile.TemporaryDirectory(prefix="cognitude-eval-") as folder:
        storage = Storage(f"sqlite:///{Path(folder) / 'cognitude.db'}")
        book = KeptCalls(storage, Path(folder))
        for number in range(mixtures):
            street = mixture(seed + number)
            book.clear()
            book.put(street.rows)
            gateway = shop(ledger=book.ledger, database=book.database)
            advice = await advise(gateway, "acme", Recommendations(), days=DAYS, until=NOW)
            _score(found, street, {one.kind: one.saving.month for one in advice.findings})
        storage.close()
    return {kind: found[kind] for kind in CALLS}


def mixture(seed: int) -> Street:
    """Direct calls come last: a router would have spread them as it spread the others."""
    random = Random(seed)
    street = Street(seed).clean(random.randint(800, 1500)).noise()
    for kind in sorted(CALLS, key=lambda kind: kind == "smart_routing"):
        if random.random() < SHARE:
            name, least, most = random.choice(CALLS[kind])
            getattr(street, name)(random.randint(least, most))
    return street


def _score(scores: dict[str, Score], street: Street, shown: Mapping[str, int]) -> None:
    """What is planted is to be found if it is worth the threshold, give or take a tenth."""
    thresholds = Recommendations().thresholds
    for kind in CALLS:
        score, truth, threshold = scores[kind], street.month(kind), int(thresholds.of(kind) * 10**9)
        if kind in shown and truth:
            score.found += 1
            score.errors.append(shown[kind] / truth - 1)
        elif kind in shown:
            score.false += 1
        elif truth > 1.1 * threshold:
            score.missed += 1


def table(scores: Mapping[str, Score]) -> str:
    lines = [
        "| recommendation | planted and found | missed | false | precision | recall | median error | largest error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, score in scores.items():
        errors = [abs(one) for one in score.errors] or [0.0]
        lines.append(
            f"| `{kind}` | {score.found} | {score.missed} | {score.false} | {score.precision:.2f} | {score.recall:.2f} "
            f"| {100 * median(errors):.1f} % | {100 * max(errors):.1f} % |"
        )
    return "\n".join(lines)


def written(text: str) -> None:
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
