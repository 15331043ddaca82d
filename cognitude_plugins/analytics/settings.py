"""The configuration of analytics."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .metrics import LONGEST, NAMES, compiled

_STRICT = ConfigDict(extra="forbid", frozen=True)


def _expression(text: str) -> str:
    compiled(text)
    return text


class MetricSettings(BaseModel):
    model_config = _STRICT

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="What it is called in a breakdown.")
    expression: Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_expression)] = Field(
        description="Arithmetic (+ - * / // % **, min, max, round) over the sums of a group: " + ", ".join(NAMES) + ". "
        "Quantiles of latency are in seconds."
    )
    description: str = Field(default="", max_length=500, description="What it says, for people.")


class Config(BaseModel):
    model_config = _STRICT

    fingerprints: bool = Field(
        default=True,
        description="Note digests of each prompt in the ledger: what tells repeats and common beginnings. No prompt "
        "can be read in them.",
    )
    metrics: list[MetricSettings] = Field(
        default=[], max_length=64, description="Figures of your own for each group of a breakdown."
    )

    @model_validator(mode="after")
    def _distinct(self) -> Config:
        names = [one.name for one in self.metrics]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are {names.count(name)} metrics called {name!r}")
            if name in NAMES:
                raise ValueError(f"a metric cannot be called {name!r}, as a sum of a group is")
        return self
