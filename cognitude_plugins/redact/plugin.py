"""The redact plugin: its configuration and its hooks."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hooks import Call, Reply, hookimpl

from .custom import custom
from .emails import emails
from .ibans import ibans
from .keys import keys
from .mask import mask
from .numbers import cards, phones
from .restore import Restorer
from .span import Detector
from .stream import StreamRestorer
from .vault import Vault

_DETECTORS: Final[dict[str, Detector]] = {
    "email": emails,
    "card": cards,
    "key": keys,
    "iban": ibans,
    "phone": phones,
}


class PatternConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,30}$",
        description="What it finds; the placeholders are called so: employee gives [EMPLOYEE_1].",
    )
    pattern: str = Field(description="A regular expression in linear time: bounded repetitions, no lookaround.")

    @field_validator("pattern")
    @classmethod
    def _linear(cls, pattern: str) -> str:
        custom("", pattern)
        return pattern


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    find: list[Literal["email", "card", "key", "iban", "phone"]] = Field(
        default=["email", "card", "key"], description="What is looked for in everything that goes to a provider."
    )
    patterns: list[PatternConfig] = Field(default=[], description="What else is looked for.")
    restore: bool = Field(default=True, description="Put the values back into the answer.")
    tools: bool = Field(default=True, description="Look into the definitions of tools too.")

    @model_validator(mode="after")
    def _distinct(self) -> Config:
        names = Counter([*_DETECTORS, *(pattern.name for pattern in self.patterns)])
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"the pattern name {twice[0]!r} is taken: each kind needs a name of its own")
        return self


class Redact:
    """Fails closed: where it cannot look, nothing goes out. Values live in the state of their call and nowhere else."""

    on_error = "reject"

    def __init__(self, config: Config, *, name: str = "redact") -> None:
        self._name = name
        self._restore = config.restore
        self._tools = config.tools
        self._detectors = (
            *(_DETECTORS[kind] for kind in config.find),
            *(custom(one.name.upper(), one.pattern) for one in config.patterns),
        )

    @hookimpl
    def pre_request(self, call: Call) -> Call | None:
        body, vault = mask(call.payload.peek(), self._detectors, tools=self._tools)
        if not vault:
            return None
        if self._restore and call.api != "embeddings":
            call.state[self._name] = vault
        return call.with_body(body)

    @hookimpl
    def post_response(self, call: Call, reply: Reply) -> Reply | None:
        vault = call.state.get(self._name)
        if not isinstance(vault, Vault):
            return None
        restorer = Restorer(vault.values, json_answer=_wants_json(call))
        if reply.streamed:
            stream = StreamRestorer(restorer)
            return reply.map(stream.change, end=stream.end)
        return reply.map(restorer.change)


def _wants_json(call: Call) -> bool:
    wanted = call.payload.peek().get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") in ("json_object", "json_schema")
