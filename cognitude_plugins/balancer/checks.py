"""What of a configuration can only be checked against the models there are: names, reach, weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from hooks import Deployment, Problem

from .fleet import weight_in
from .patterns import is_pattern
from .settings import Arm, Config, Rule

Models = Mapping[str, tuple[Deployment, ...]]


def problems(config: Config, models: Models) -> list[Problem]:
    """Everything that is wrong, each with its path below the entry's ``config``."""
    known = _Known(models=models, ids=frozenset(one.id for found in models.values() for one in found))
    found: list[Problem] = []
    for index, rule in enumerate(config.rules):
        found += _of_rule(rule, f"rules[{index}]", known)
    for index, mirror in enumerate(config.mirrors):
        found += known.models_problems(mirror.models or (), f"mirrors[{index}].models")
        found += known.model_problems(mirror.to, f"mirrors[{index}].to")
    return found + list(_of_infos(models))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    models: Models
    ids: frozenset[str]

    def models_problems(self, names: Iterable[str], path: str) -> Iterator[Problem]:
        for index, name in enumerate(names):
            if not is_pattern(name):
                yield from self.model_problems(name, f"{path}[{index}]", "; a name that need not be there has a *")

    def model_problems(self, name: str, path: str, hint: str = "") -> Iterator[Problem]:
        if name not in self.models:
            rule = f"is no model of this configuration{hint}"
            yield Problem(path=path, rule=rule, value=repr(name), nearest=_near(name, self.models))

    def id_problems(self, id: str, path: str) -> Iterator[Problem]:
        if id not in self.ids:
            rule = "is no deployment of this configuration"
            yield Problem(path=path, rule=rule, value=repr(id), nearest=_near(id, self.ids))


def members(arm: Arm, models: Models) -> frozenset[str]:
    """The ids of an arm's deployments."""
    if arm.deployment is not None:
        return frozenset({arm.deployment})
    return frozenset(one.id for one in models.get(arm.model or "", ()))


def _of_rule(rule: Rule, path: str, known: _Known) -> Iterator[Problem]:
    yield from known.models_problems(rule.models or (), f"{path}.models")
    for id in rule.weights:
        yield from known.id_problems(id, f"{path}.weights")
    if rule.canary is not None:
        at = f"{path}.canary.deployment"
        yield from known.id_problems(rule.canary.deployment, at)
        yield from _unreached(rule, "the canary", frozenset({rule.canary.deployment}), at, known)
    for index, arm in enumerate(() if rule.experiment is None else rule.experiment.arms):
        at = f"{path}.experiment.arms[{index}]"
        if arm.deployment is not None:
            yield from known.id_problems(arm.deployment, f"{at}.deployment")
        else:
            yield from known.model_problems(arm.model or "", f"{at}.model")
        yield from _unreached(rule, f"arm {arm.name!r}", members(arm, known.models), at, known)


def _unreached(rule: Rule, what: str, ids: frozenset[str], path: str, known: _Known) -> Iterator[Problem]:
    """A deployment that the calls of this rule cannot go to: a router adds nothing to a plan."""
    if not ids <= known.ids:
        return
    for name in rule.models or ():
        found = known.models.get(name)
        if found is not None and ids.isdisjoint(one.id for one in found):
            reached = ", ".join(one.id for one in found)
            yield Problem(path=path, rule=f"{what} is none of the deployments of {name!r}, which are {reached}")


def _of_infos(models: Models) -> Iterator[Problem]:
    for one in {one.id: one for found in models.values() for one in found}.values():
        try:
            weight_in(one.info)
        except ValueError as error:
            yield Problem(path=f"models: {one.id}", rule=str(error))


def _near(name: str, names: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, list(names), n=1)), None)
