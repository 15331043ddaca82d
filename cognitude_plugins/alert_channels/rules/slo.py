"""An objective, and how fast its error budget burns: rules over two windows at once.

After chapter 5, "Alerting on SLOs", of The Site Reliability Workbook (Google, 2018,
https://sre.google/workbook/alerting-on-slos/, approach 6): a long window says that it matters, a short one that it has
not stopped. The default windows and factors are those of its table 5-8, for an objective over 30 days: 2 % of the
budget burnt in an hour, 5 % in six hours, 10 % in three days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hooks import Severity

from .durations import Duration, between, shown

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)
_Window = Annotated[Duration, between(timedelta(minutes=1), timedelta(days=31))]


class Pair(BaseModel):
    """As a list: long window, short window, factor, severity."""

    model_config = _STRICT

    long: _Window = Field(description="The window in which so much is burnt that it matters.")
    short: _Window = Field(description="The window that says whether it still burns, a twelfth of the long one.")
    factor: float = Field(gt=0, le=1000, description="How many times faster than is allowed the budget burns.")
    severity: Severity = Field(default="critical", description="How bad it is.")

    @model_validator(mode="after")
    def _ordered(self) -> Pair:
        if self.short >= self.long:
            raise ValueError(f"the short window {shown(self.short)} is not shorter than the long one")
        return self

    @property
    def name(self) -> str:
        return f"{shown(self.long)}/{shown(self.short)}"


def _from_list(value: Any) -> Any:
    """The short form is the mapping's values in order."""
    if isinstance(value, (list, tuple)):
        return dict(zip(Pair.model_fields, value, strict=False)) if len(value) <= len(Pair.model_fields) else value
    return value


_Pair = Annotated[Pair, BeforeValidator(_from_list)]


def default_pairs() -> tuple[Pair, ...]:
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    return (
        Pair(long=hour, short=5 * minute, factor=14.4, severity="critical"),
        Pair(long=6 * hour, short=30 * minute, factor=6, severity="critical"),
        Pair(long=72 * hour, short=6 * hour, factor=1, severity="warning"),
    )


class Slo(BaseModel):
    """What share of calls is to be good."""

    model_config = _STRICT

    objective: float = Field(gt=0, lt=1, description="The share of calls that are to be good, as in 0.999.")
    of: Literal["errors", "latency"] = Field(
        default="errors",
        description="What is bad: errors (status 400 and above), or calls that take longer than `seconds`.",
    )
    seconds: float | None = Field(default=None, gt=0, le=86_400, description="Of latency: what takes longer is bad.")
    windows: tuple[_Pair, ...] = Field(
        default_factory=default_pairs,
        min_length=1,
        max_length=8,
        description="Pairs of windows, each a list of long window, short window, factor and severity.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Slo:
        if (self.seconds is None) == (self.of == "latency"):
            raise ValueError("seconds are of latency, and of nothing else")
        names = [pair.name for pair in self.windows]
        if len({*names}) != len(names):
            raise ValueError(f"two pairs of windows are the same: {', '.join(names)}")
        for pair in self.windows:
            if pair.factor * self.budget >= 1:
                raise ValueError(
                    f"with objective {self.objective:g} nothing burns {pair.factor:g} times faster than is allowed: "
                    f"{1 / self.budget:.4g} times is when every call is bad"
                )
        return self

    @property
    def budget(self) -> float:
        """The share of calls that may be bad."""
        return round(1 - self.objective, 12)
