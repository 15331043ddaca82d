"""The request_defaults plugin: its configuration and its hook."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, field_validator, model_validator

from hooks import Call, Reply, hookimpl

from .names import Names
from .prefix import prefixed
from .rules import COUNTS, Refused, Rule, settle

_RESERVED: Final = {
    "model": "the gateway routes by it, and every request must name one",
    "messages": "it is what is asked; use system_prefix to add instructions",
    "prompt": "it is what is asked; use system_prefix to add instructions",
    "input": "it is what is asked",
    "stream": "the client decides how it reads the answer",
}
_ANY: Final = ["*"]


class RuleConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: list[str] = Field(
        default=_ANY, min_length=1, description="Models this is for, as clients name them; * and ? are wildcards."
    )
    organizations: list[str] = Field(
        default=_ANY, min_length=1, description="Organizations this is for; * and ? are wildcards."
    )
    apis: list[Literal["chat", "completions", "embeddings", "responses", "messages"]] = Field(
        default=[], description="Endpoints this is for; empty means all of them."
    )
    defaults: dict[str, Any] = Field(default={}, description="Fields set in a request that leaves them out or null.")
    caps: dict[str, StrictInt | FiniteFloat] = Field(
        default={}, description="The highest number allowed in a field that a request, or a default, sets."
    )
    on_exceed: Literal["lower", "refuse"] = Field(
        default="lower", description="A number above its cap: lower it to the cap, or refuse the request with 400."
    )
    forbidden: list[str] = Field(default=[], description="Fields a client may not send.")
    on_forbidden: Literal["refuse", "drop"] = Field(
        default="refuse", description="A forbidden field: refuse the request with 400, or drop the field."
    )
    system_prefix: str = Field(default="", description="Text put before the system prompt (completions: the prompt).")

    @field_validator("caps", mode="before")
    @classmethod
    def _numbers(cls, caps: Any) -> Any:
        for name, cap in caps.items() if isinstance(caps, dict) else ():
            if isinstance(cap, bool) or not isinstance(cap, (int, float)):
                raise ValueError(f"the cap of {name!r} must be a number, not {cap!r}")
        return caps

    @model_validator(mode="after")
    def _consistent(self) -> RuleConfig:
        for setting in ("defaults", "caps", "forbidden"):
            for name in getattr(self, setting):
                if name in _RESERVED:
                    raise ValueError(f"{name!r} cannot be in {setting}: {_RESERVED[name]}")
        for name in self.forbidden:
            if name in self.defaults:
                raise ValueError(f"{name!r} is both forbidden and given a default in one rule")
        for name, cap in self.caps.items():
            if cap < 0 and name in COUNTS:
                raise ValueError(f"the cap of {name!r} must not be negative: it is {cap}")
            default = self.defaults.get(name, cap)
            if isinstance(default, bool) or not isinstance(default, (int, float)):
                raise ValueError(f"the default of {name!r} must be a number, not {default!r}: it has a cap")
            if default > cap:
                raise ValueError(f"the default of {name!r}, {default}, is above its cap of {cap}")
        return self


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[RuleConfig] = Field(
        default=[], description="All rules that match a call apply, in this order; a later default replaces an earlier."
    )


class RequestDefaults:
    """Decides by the call alone: no state, so a shadow or dry run changes nothing."""

    def __init__(self, config: Config) -> None:
        self._rules = tuple(_compiled(rule) for rule in config.rules)

    @hookimpl
    def pre_request(self, call: Call) -> Call | Reply | None:
        model, organization = call.model, call.caller.organization
        rules = [rule for rule in self._rules if rule.matches(model, organization, call.api)]
        if not rules:
            return None
        body = call.payload.peek()
        try:
            settled = settle(body, rules)
        except Refused as refused:
            return Reply.error(400, str(refused), param=refused.param, code="parameter_not_allowed")
        if prefix := "\n\n".join(rule.system_prefix for rule in rules if rule.system_prefix):
            settled = prefixed(settled, call.api, prefix)
        return None if settled == body else call.with_body(settled)


def _compiled(rule: RuleConfig) -> Rule:
    return Rule(
        models=Names(rule.models),
        organizations=Names(rule.organizations),
        apis=frozenset(rule.apis),
        defaults=rule.defaults,
        caps=rule.caps,
        on_exceed=rule.on_exceed,
        forbidden=tuple(rule.forbidden),
        on_forbidden=rule.on_forbidden,
        system_prefix=rule.system_prefix,
    )
