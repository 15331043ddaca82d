"""What the rules that match one call make of its body: defaults, caps and forbidden fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .names import Names

Number = int | float

SYNONYMS: Final = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""Two names of one limit: OpenAI renamed ``max_tokens`` and refuses a request that carries both."""

COUNTS: Final = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"})
"""Fields for which some servers read a number below zero as "no limit"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, compiled: whom it is for, and what it says. ``apis`` empty means every API."""

    models: Names
    organizations: Names
    apis: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    caps: Mapping[str, Number] = field(default_factory=dict)
    on_exceed: Literal["lower", "refuse"] = "lower"
    forbidden: tuple[str, ...] = ()
    on_forbidden: Literal["refuse", "drop"] = "refuse"
    system_prefix: str = ""

    def matches(self, model: str, organization: str, api: str) -> bool:
        return (not self.apis or api in self.apis) and organization in self.organizations and model in self.models


class Refused(ValueError):
    """The request asks for what a rule does not allow. ``param`` is the field."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


def settle(body: Mapping[str, Any], rules: Sequence[Rule]) -> dict[str, Any]:
    """The body with the rules applied in order; equal to ``body`` when they change nothing. Raises `Refused`.

    What is forbidden is forbidden to the client: a default of another rule may set that field. A field that is null
    counts as absent. A default over a cap is lowered whatever ``on_exceed`` says, for the client did not ask for it.
    """
    asked = _permitted(body, rules)
    settled = {**asked, **_defaults(asked, rules)}
    for rule in rules:
        for name, cap in _caps(rule, settled).items():
            if settled.get(name) is not None:
                own = name in asked and asked[name] is not None
                settled[name] = _held(name, settled[name], cap, rule.on_exceed if own else "lower")
    return settled


def _permitted(body: Mapping[str, Any], rules: Iterable[Rule]) -> dict[str, Any]:
    asked = dict(body)
    for rule in rules:
        for name in rule.forbidden:
            if asked.get(name) is not None and rule.on_forbidden == "refuse":
                raise Refused(name, f"{name!r} is not allowed in requests for this model here.")
            if rule.on_forbidden == "drop":
                asked.pop(name, None)
    return asked


def _defaults(asked: Mapping[str, Any], rules: Iterable[Rule]) -> dict[str, Any]:
    """The defaults of fields the client left out, the last rule's first, and one of two synonyms only."""
    chosen: dict[str, Any] = {}
    for rule in rules:
        for name, value in rule.defaults.items():
            chosen.pop(SYNONYMS.get(name, ""), None)
            chosen[name] = value
    return {
        name: value
        for name, value in chosen.items()
        if asked.get(name) is None and asked.get(SYNONYMS.get(name, "")) is None
    }


def _caps(rule: Rule, settled: Mapping[str, Any]) -> dict[str, Number]:
    """The rule's caps; one on a field holds for its synonym too, unless that has its own."""
    if not rule.caps:
        return {}
    also = {SYNONYMS[name]: cap for name, cap in rule.caps.items() if name in SYNONYMS}
    return {**{name: cap for name, cap in also.items() if name in settled}, **rule.caps}


def _held(name: str, value: Any, cap: Number, on_exceed: str) -> Any:
    """The value, or the cap. What is no number cannot be held to one, and some servers would read ``"9999"`` as one."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Refused(name, f"{name!r} must be a number: it is limited to {cap} here.")
    if value <= cap and not (value < 0 and name in COUNTS):
        return value
    if on_exceed == "refuse":
        raise Refused(name, f"{name!r} is {value}; at most {cap} is allowed here.")
    return cap
