"""Traffic with known answers: clean calls, and what is planted among them with the saving that is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from hooks import Deployment, Traits, Usage
from hooks.testing import FakeGateway

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAYS = 14
DAY_MS = 86_400_000
PRICES = {"large": (15_000, 75_000), "small": (800, 4_000)}
CACHED = {"large": 1_500, "small": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop(FakeGateway):
    """With a price for cached tokens too: ``cached`` by deployment id, nano-dollars."""

    cached: dict[str, int] = field(default_factory=dict)

    def cost(self, deployment: Deployment, usage: Usage) -> int | None:
        price = self.prices.get(deployment.id)
        if price is None:
            return None
        kept = self.cached.get(deployment.id, price[0])
        plain = usage.prompt_tokens - usage.cached_tokens
        return plain * price[0] + usage.cached_tokens * kept + usage.completion_tokens * price[1]


def deployment(name: str, provider: str = "openai") -> Deployment:
    return Deployment(id=name, model=name, provider=provider, upstream_model=name, transport="direct")


def shop(**options: Any) -> Shop:
    """Two models and an alias of both."""
    large, small = deployment("large"), deployment("small")
    both = frozenset({"tools", "vision"})
    made: dict[str, Any] = {
        "models": {"large": (large,), "small": (small,), "auto": (large, small)},
        "prices": PRICES,
        "cached": CACHED,
        "fake_traits": {
            "large": Traits(context_tokens=200_000, output_tokens=64_000, capabilities=both),
            "small": Traits(context_tokens=200_000, output_tokens=64_000, capabilities=both),
        },
    }
    return Shop(**{**made, **options})


def price(model: str, prompt: int, completion: int, cached: int = 0) -> int:
    plain, written = PRICES[model]
    return (prompt - cached) * plain + cached * CACHED[model] + completion * written


class Street:
    """``truth`` has nano-dollars of the whole time by kind of recommendation."""

    def __init__(self, seed: int, *, now: datetime = NOW) -> None:
        self.random = Random(seed)
        self.rows: list[dict[str, Any]] = []
        self.truth: dict[str, int] = {}
        self._end = int(now.timestamp() * 1000)
        self._numbers = count(seed * 1_000_000 + 1)

    def call(self, model: str, complexity: str | None, at: int | None = None, **values: Any) -> dict[str, Any]:
        """One more, of its own prompt, through the alias unless it was not routed."""
        number = next(self._numbers)
        prompt = values.pop("prompt_tokens", None) or self.random.randint(300, 1500)
        completion = values.pop("completion_tokens", None) or min(900, round(self.random.lognormvariate(5.3, 0.5)))
        cached = values.get("cached_tokens", 0)
        row = {
            "id": f"req_{number}",
            "time_ms": self.moment() if at is None else at,
            "requested_model": model if complexity is None else "auto",
            "model": model,
            "deployment": model,
            "complexity": complexity,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost_nano_usd": price(model, prompt, completion, cached),
            "latency_us": 2_000_000,
            "request_digest": number,
            "shape_digest": number,
            **values,
        }
        self.rows.append(row)
        return row

    def moment(self, before: int = 3 * DAY_MS // DAYS) -> int:
        """Evenly over the time, but for the last hours."""
        return self._end - self.random.randint(before, DAYS * DAY_MS - DAY_MS // 24)

    def clean(self, calls: int = 900) -> Street:
        """Routed as they should be, each asked once, answers within their limits."""
        for _ in range(calls):
            complexity = self.random.choices(("simple", "medium", "complex"), (5, 3, 2))[0]
            limit = self.random.choice((None, 1024, 2048))
            self.call("large" if complexity == "complex" else "small", complexity, max_tokens=limit)
        return self

    def noise(self) -> Street:
        """A little of everything, worth nothing."""
        for _ in range(2):
            one = self.call("small", "simple")
            self.call("small", "simple", one["time_ms"] + 60_000, **_same(one))
            near = self.call("small", "simple")
            self.call("small", "simple", near["time_ms"] + 60_000, shape_digest=near["shape_digest"])
            self.call("small", "medium", completion_tokens=100, max_tokens=100)
            self.call("small", "medium", prefix_digest=next(self._numbers), prefix_tokens=1024, prompt_tokens=1500)
        return self

    def repeats(self, calls: int) -> Street:
        """Some prompts, each asked several times and answered by the provider each time."""
        saved = 0
        while calls > 0:
            first, again = self.call("large", "complex"), self.random.randint(1, 12)
            for _ in range(min(again, calls)):
                at = self.random.randint(first["time_ms"] + 1, self._end - 1)
                saved += self.call("large", "complex", at, **_same(first))["cost_nano_usd"]
            calls -= again
        return self._planted("cache_opportunity", saved)

    def downgrades(self, calls: int) -> Street:
        saved = 0
        for _ in range(calls):
            row = self.call("large", self.random.choice(("simple", "medium")))
            saved += row["cost_nano_usd"] - price("small", row["prompt_tokens"], row["completion_tokens"])
        return self._planted("model_downgrade", saved)

    def direct(self, calls: int) -> Street:
        """Calls that name the large model, each of which the router would have sent where it sent a like one."""
        routed = [row["model"] for row in self.rows if row["complexity"] is not None]
        saved = 0
        for _ in range(calls):
            row, choice = self.call("large", None), self.random.choice(routed)
            saved += row["cost_nano_usd"] - price(choice, row["prompt_tokens"], row["completion_tokens"])
        return self._planted("smart_routing", saved)

    def runaways(self, calls: int) -> Street:
        """Answers of which each token beyond four times the usual length is one too many."""
        for _ in range(calls):
            self.call("large", "complex", completion_tokens=self.random.randint(14_000, 30_000), max_tokens=32_000)
        lengths = sorted(row["completion_tokens"] for row in self.rows if row["model"] == "large")
        usual = 4 * lengths[int(0.95 * len(lengths))]
        saved = sum(max(0, length - usual) for length in lengths) * PRICES["large"][1]
        return self._planted("max_tokens", saved)

    def cuts(self, calls: int) -> Street:
        """Answers cut at their limit, asked for again half a minute later with twice of it."""
        saved = 0
        for _ in range(calls):
            row = self.call("large", "complex", completion_tokens=256, max_tokens=256)
            again = row["time_ms"] + 30_000
            self.call("large", "complex", again, shape_digest=row["shape_digest"], prompt_tokens=row["prompt_tokens"],
                      completion_tokens=400, max_tokens=512)  # fmt: skip
            saved += row["cost_nano_usd"]
        return self._planted("max_tokens", saved)

    def beginnings(self, calls: int) -> Street:
        """One long beginning, kept by nobody; a provider keeps it for five minutes after its last use."""
        prefix, tokens, saved, last = next(self._numbers), 4096, 0, None
        start = self.moment(before=6 * DAY_MS)
        for at in sorted(self.random.randint(start, start + 5 * DAY_MS) for _ in range(calls)):
            self.call("large", "complex", at, prompt_tokens=tokens + 300, prefix_digest=prefix, prefix_tokens=tokens)
            if last is not None and at - last <= 300_000:
                saved += tokens * (PRICES["large"][0] - CACHED["large"])
            last = at
        return self._planted("prompt_patterns", saved)

    def near(self, calls: int) -> Street:
        """The same but for a date in it."""
        first, saved = self.call("large", "complex", self._end - 13 * DAY_MS), 0
        for _ in range(calls):
            at = self.random.randint(first["time_ms"] + 1, self._end - 1)
            same = {name: first[name] for name in ("shape_digest", "prompt_tokens")}
            saved += self.call("large", "complex", at, **same)["cost_nano_usd"]
        return self._planted("prompt_patterns", saved)

    def month(self, kind: str) -> int:
        """Nano-dollars of thirty days."""
        return self.truth.get(kind, 0) * 30 // DAYS

    def _planted(self, kind: str, saved: int) -> Street:
        self.truth[kind] = self.truth.get(kind, 0) + saved
        return self


def _same(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("request_digest", "shape_digest", "prompt_tokens", "completion_tokens")}


PLANT: dict[str, tuple[Callable[[Street, int], Street], ...]] = {
    "cache_opportunity": (Street.repeats,),
    "model_downgrade": (Street.downgrades,),
    "smart_routing": (Street.direct,),
    "max_tokens": (Street.runaways, Street.cuts),
    "prompt_patterns": (Street.beginnings, Street.near),
}
