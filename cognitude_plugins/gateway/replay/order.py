"""What is to be replayed, as one process tells another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """``config`` is played, and ``baseline`` beside it if there is one; ``recorded_by`` wrote the ledger.

    Of calls that arrived within ``[since_ms, until_ms)``; those of ``warm_up_ms`` before are played and not counted.
    ``requests`` is a file to be played in place of the ledger's rows. ``folder`` is for files that are gone afterwards.
    ``may_be_new``: without a database, or without the organization, there are no calls; otherwise that is an error.
    """

    config: Path
    recorded_by: Path
    baseline: Path | None
    since_ms: int
    until_ms: int
    warm_up_ms: int
    organization: str | None
    requests: Path | None
    folder: Path
    progress: bool
    may_be_new: bool = False

    def encode(self) -> bytes:
        return orjson.dumps({name: str(one) if isinstance(one, Path) else one for name, one in asdict(self).items()})

    @classmethod
    def decode(cls, raw: bytes) -> Order:
        found: dict[str, Any] = orjson.loads(raw)
        for name in ("config", "recorded_by", "baseline", "requests", "folder"):
            found[name] = None if found[name] is None else Path(found[name])
        return cls(**found)

    def wants(self, organization: str, time_ms: int) -> bool:
        """Whether a call is to be played, counted or not."""
        in_time = self.since_ms - self.warm_up_ms <= time_ms < self.until_ms
        return in_time and self.organization in (None, organization)

    @property
    def result(self) -> Path:
        """Where the report is put."""
        return self.folder / "report.json"
