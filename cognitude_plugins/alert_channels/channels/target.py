"""A channel as the rest of the plugin sees it: who it belongs to and what it wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Final, Literal

from hooks import EVERY_ORGANIZATION, Severity

Group = Literal["none", "rule", "all"]

RANK: Final[Mapping[Severity, int]] = {"info": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From ``start`` to ``end`` by the clock of the organization's time zone, over midnight where ``end`` is earlier.

    What is less than critical waits until they are over.
    """

    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``organization`` is `EVERY_ORGANIZATION` for one of the gateway's own, which hears of every organization.

    ``group`` says which alerts of one evaluation come in one message: each alone, those of one rule, all. It takes
    nothing below ``min_severity``; ``summaries`` are those it wants.
    """

    id: str
    name: str
    organization: str
    min_severity: Severity = "info"
    group: Group = "rule"
    summaries: frozenset[Literal["daily", "weekly"]] = frozenset()
    quiet_hours: QuietHours | None = None

    def hears(self, organization: str, severity: Severity) -> bool:
        """Whether it is for alerts of this organization and severity at all."""
        own = self.organization in (EVERY_ORGANIZATION, organization)
        return own and RANK[severity] >= RANK[self.min_severity]
