"""A decision in one line, as the ledger and ``x-cognitude-route`` have it, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """``entry`` is the plugin's name in the pipeline, ``why`` a few words without semicolons."""

    entry: str
    task: str
    level: str
    model: str
    why: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.task}/{self.level} to {self.model} ({self.why})"

    @classmethod
    def read(cls, route: str, entry: str) -> Reason | None:
        """This entry's reason among those of all routers; None when there is none."""
        for one in route.split("; "):
            found = _SHAPE.fullmatch(one[:_LONGEST]) if one.startswith(f"{entry}: ") else None
            if found is not None:
                return cls(**found.groupdict())
        return None


_SHAPE: Final = re.compile(
    r"(?P<entry>[^:]+): (?P<task>[a-z_]+)/(?P<level>[a-z]+) to (?P<model>[^ ]+) \((?P<why>[^;]*)\)"
)
