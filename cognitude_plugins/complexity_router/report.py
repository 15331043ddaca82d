"""A decision as clients are shown it: the member ``routing`` of an answer."""

from __future__ import annotations

from pydantic import BaseModel, Field

from .decide import Decision, Judged
from .features import Features
from .model import Weights, score
from .routed import Routed

_NANO = 1e9


class ComplexityReport(BaseModel):
    """How hard the question looks: a feature among others, not what decides."""

    level: str = Field(description="simple, medium or complex.")
    score: float = Field(description="From 0 to 1.")
    features: dict[str, float] = Field(description="What made the score, with what each added to it.")


class Alternative(BaseModel):
    """One model as it stood beside the others."""

    model: str = Field(description="The model.")
    verdict: str = Field(
        description="chosen, default, good (enough), unsure (too little is known), worse, avoided or unfit, which "
        "reason explains."
    )
    reason: str = Field(description="Why it is avoided or unfit; empty otherwise.")
    expected_loss: float = Field(description="The quality given up by taking it in the default's place, from -1 to 1.")
    deviation: float = Field(description="How far that may be off: one standard deviation.")
    labels: int = Field(description="Comparisons and ratings that this is known from.")
    estimated_cost: float | None = Field(description="Of this call there, in US dollars; null where it is not known.")
    p95_latency_ms: float | None = Field(description="Of its answers 95 of 100 began within; null without any.")
    flip: str = Field(description="What would have changed the verdict; empty where nothing is known that would.")


class RoutingReport(BaseModel):
    """Where a call went, and why."""

    complexity: ComplexityReport = Field(description="How hard the question looks.")
    task_type: str = Field(description="What kind of task it was taken for.")
    selected_model: str = Field(description="The model that the call was sent to.")
    default_model: str = Field(description="The model that the others are held against.")
    alternatives: list[Alternative] = Field(description="Every candidate, in the order in which they are tried.")
    runner_up: str | None = Field(description="Who would come next; null if nobody.")
    reason: str = Field(description="Why, in a few words; x-cognitude-route has them too.")
    pinned: bool = Field(description="Whether the conversation already had this model.")
    estimated_cost: float | None = Field(description="Of this call, in US dollars; null where it is not known.")
    baseline_cost: float | None = Field(description="What the default model would cost; null where it is not known.")
    estimated_savings: float | None = Field(description="The difference; null where one of them is not known.")
    usual_gain: float | None = Field(
        description="What a strong model gained over a weak one on such questions in the data that the package comes "
        "with, from -1 to 1; null for questions unlike those. It decides nothing."
    )


def report(routed: Routed, generic: Weights | None = None) -> RoutingReport:
    """``generic`` are the weights of the package, which are of no pair of models in particular."""
    decision, complexity = routed.decision, routed.complexity
    cost, baseline = _cost(routed.model, decision), _cost(decision.reference, decision)
    return RoutingReport(
        complexity=ComplexityReport(
            level=complexity.level,
            score=round(complexity.score, 3),
            features={name: round(value, 3) for name, value in complexity.made_by},
        ),
        task_type=routed.task,
        selected_model=routed.model,
        default_model=decision.reference,
        alternatives=[_alternative(one, routed.model, decision.reference) for one in decision.judged],
        runner_up=next((one.model for one in decision.judged if one.model != routed.model), None),
        reason=routed.why,
        pinned=routed.pinned,
        estimated_cost=cost,
        baseline_cost=baseline,
        estimated_savings=None if cost is None or baseline is None else baseline - cost,
        usual_gain=None if generic is None else _usual(generic, routed.features),
    )


def _usual(generic: Weights, features: Features) -> float | None:
    found = score(generic, features)
    return round(found.gain, 3) if found.known else None


def _alternative(one: Judged, chosen: str, reference: str) -> Alternative:
    slow, verdict = one.candidate.slow_seconds, one.verdict
    if verdict == "chosen":
        verdict = "default" if one.model == reference else "good"
    return Alternative(
        model=one.model,
        verdict="chosen" if one.model == chosen else verdict,
        reason=one.unfit,
        expected_loss=round(one.loss.mean, 4),
        deviation=round(one.loss.deviation, 4),
        labels=one.loss.labels,
        estimated_cost=_usd(one.candidate.cost_nano_usd),
        p95_latency_ms=None if slow is None else round(slow * 1000, 1),
        flip=one.flip,
    )


def _cost(model: str, decision: Decision) -> float | None:
    return next((_usd(one.candidate.cost_nano_usd) for one in decision.judged if one.model == model), None)


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / _NANO
