"""What can be wrong with a configuration or a plugin, said so that it can be put right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a configuration file.

    ``path`` is where (``pipeline[2].config.limit``), ``line`` the 1-based line or None, ``value`` what stands there
    (never a secret), ``rule`` what should, ``nearest`` the closest known name when a name was not known.
    """

    path: str
    rule: str
    line: int | None = None
    value: str | None = None
    nearest: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        path = self.path or ("the file" if where else "")
        text = ": ".join(part for part in (where, path, self.rule) if part)
        if self.value is not None:
            text += f" (it is {self.value})"
        if self.nearest is not None:
            text += f"; did you mean {self.nearest!r}?"
        return text

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A setting of one plugin that does not fit what the others in the pipeline offer.

    ``at`` is its path below the entry's ``config``: ``("rules", 2, "metric")``. Where in the file that is, and what
    stands there, is added to it; ``rule`` says what should, ``nearest`` which known name may have been meant.
    """

    at: tuple[str | int, ...]
    rule: str
    nearest: str | None = None


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(path="", rule=problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(Exception):
    """A plugin that breaks the contract: a misspelt hook, a wrong return type, a forbidden option."""


class Unavailable(Exception):
    """A service does not answer in time. What was asked for may or may not have been done."""

    service = "database"
    """Which one."""


class Unanswerable(ValueError):
    """A question that the ledger has no answer to.

    ``what`` is wrong about it, and ``name`` which one (a filter, a dimension). Of a ``time`` that was too long ago
    ``since`` is from when on it can be asked for, as ``name`` (``calls``, ``minutes``, ``quarters`` of an hour,
    ``hours``) are kept since then.
    """

    def __init__(
        self,
        rule: str,
        *,
        what: Literal["time", "dimension", "filter", "zone", "quantile"],
        name: str | None = None,
        since: datetime | None = None,
    ) -> None:
        super().__init__(rule)
        self.what = what
        self.name = name
        self.since = since
