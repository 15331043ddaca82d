"""The configuration made into what decides: one router for each rule, experiments, canaries and mirrors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from hooks import Call, Caller, Deployment, Gateway

from .checks import members
from .choices import Choice, Choices
from .conversations import conversation_of
from .expressions import Expression
from .facts import Facts
from .fleet import Fleet, Weights
from .hashing import key_of, user_of
from .latency import Fastest
from .mirrors import Mirror
from .orders import Cheapest, LeastBusy, Order, RoundRobin, Sticky, Weighted
from .ramp import Ramp
from .router import Router
from .settings import Canary, Config, Experiment, Rule
from .splits import Arms, Regions, Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An experiment at work. ``unit_of`` is whom a call counts for."""

    settings: Experiment
    arms: Arms
    unit_of: Callable[[Caller], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A rule at work."""

    router: Router
    trial: Trial | None = None
    ramp: Ramp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Everything that decides, from start-up to shutdown."""

    rules: Choices[Ready]
    mirrors: Choices[Mirror]
    trials: Mapping[str, Trial]
    ramps: tuple[Ramp, ...]
    copies: tuple[Mirror, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembler:
    """``name`` is the plugin's, which its reasons begin with."""

    name: str
    gateway: Gateway
    random: Random
    now: Callable[[], datetime]
    clock: Callable[[], float]

    def assembled(self, config: Config) -> Assembly:
        """Of a configuration in which nothing is wrong."""
        facts = Facts(tags_header=config.tags_header, now=self.now, zone=self.gateway.time_zone)
        fleet = Fleet(self.gateway)
        ready = [self._ready(rule, fleet) for rule in config.rules]
        copies = tuple(Mirror(one.name, one.to, one.share, one.at_once, self.gateway.serve) for one in config.mirrors)
        return Assembly(
            rules=Choices(
                [
                    Choice(models=rule.models, condition=_condition(rule.when), value=one)
                    for rule, one in zip(config.rules, ready, strict=True)
                ],
                facts,
            ),
            mirrors=Choices(
                [
                    Choice(models=one.models, condition=_condition(one.when), value=copy)
                    for one, copy in zip(config.mirrors, copies, strict=True)
                ],
                facts,
            ),
            trials={one.trial.settings.name: one.trial for one in ready if one.trial is not None},
            ramps=tuple(one.ramp for one in ready if one.ramp is not None),
            copies=copies,
        )

    def _ready(self, rule: Rule, fleet: Fleet) -> Ready:
        trial = None if rule.experiment is None else _trial(rule.experiment, self.gateway.models)
        ramp = None if rule.canary is None else self._ramp(rule.canary, fleet)
        split: Split | None = Regions(rule.regions) if rule.regions is not None else ramp
        router = Router(
            fleet=fleet,
            order=self._order(rule, fleet),
            why=f"{self.name}: {rule.strategy}",
            split=trial.arms if trial is not None else split,
            across=rule.across,
            between_models=rule.experiment is not None and _models_of(rule.experiment, self.gateway.models) > 1,
            only=rule.only,
        )
        return Ready(router=router, trial=trial, ramp=ramp)

    def _order(self, rule: Rule, fleet: Fleet) -> Order:
        weights = Weights(rule.weights)
        strategy = rule.then if rule.strategy in ("region", "experiment", "canary") else rule.strategy
        if strategy == "weighted":
            return Weighted(weights, self.random)
        if strategy == "round_robin":
            return RoundRobin(weights)
        if strategy == "cost":
            return Cheapest(fleet, rule.completion_tokens)
        if strategy == "sticky":
            return Sticky(_key_of(rule), weights)
        if strategy == "latency":
            return Fastest(
                fleet,
                rule.measure,
                tolerance=rule.tolerance,
                explore=rule.explore,
                random=self.random,
                clock=self.clock,
            )
        return LeastBusy(fleet, weights, self.random)

    def _ramp(self, canary: Canary, fleet: Fleet) -> Ramp:
        return Ramp(
            canary.deployment,
            [(step.share, step.hours) for step in canary.steps],
            start=canary.start,
            stays=canary.by == "user",
            max_error_rate=canary.max_error_rate,
            min_calls=canary.min_calls,
            vitals=fleet.vitals(_deployments(self.gateway.models)[canary.deployment]),
            random=self.random,
            now=self.now,
            clock=self.clock,
        )


def _trial(experiment: Experiment, models: Mapping[str, tuple[Deployment, ...]]) -> Trial:
    unit_of = user_of if experiment.by == "user" else key_of
    arms = Arms(
        experiment.name,
        experiment.salt,
        {arm.name: arm.weight for arm in experiment.arms},
        {arm.name: members(arm, models) for arm in experiment.arms},
        unit_of,
    )
    return Trial(settings=experiment, arms=arms, unit_of=unit_of)


def _models_of(experiment: Experiment, models: Mapping[str, tuple[Deployment, ...]]) -> int:
    deployments = _deployments(models)
    return len({deployments[id].model for arm in experiment.arms for id in members(arm, models)})


def _deployments(models: Mapping[str, tuple[Deployment, ...]]) -> Mapping[str, Deployment]:
    return {one.id: one for found in models.values() for one in found}


def _condition(when: str | None) -> Expression | None:
    return None if when is None else Expression(when)


def _key_of(rule: Rule) -> Callable[[Call], str]:
    if rule.by == "conversation":
        return conversation_of
    if rule.by == "key":
        return lambda call: key_of(call.caller)
    header = rule.header
    if header is not None:
        return lambda call: f"h:{call.headers.get(header, '')}"
    return lambda call: user_of(call.caller)
