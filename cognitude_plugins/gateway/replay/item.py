"""One recorded call: its row, what is known of its body, and what is to be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from hooks import Booked, Usage

from ..ids import OWN
from ..ledger.rollups import NO_PLUGIN
from ..ledger.row import Row

Left = Literal["hedge", "own", "unread"]
"""Why a row is no call to be played: the attempt of a hedged call that came second; a call that a plugin made; one that
was refused or given up before the pipeline had it."""

_OF_THE_PIPELINE: Final = frozenset(
    {"model_not_found", "unpriced_model", "no_deployment", "circuit_open", "overloaded", "plugin_failed"}
)
"""Errors of the gateway's own that come of its configuration, and are found again in a replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """``body`` is there where the request itself is (a file of requests). ``answered``: it is known what came of it."""

    row: Row
    body: Mapping[str, Any] | None = None
    answered: bool = True

    @property
    def identity(self) -> str | None:
        """The same for calls that ask the same; None where that is not known."""
        row = self.row
        if row.request_digest is not None:
            return f"{row.organization} {row.api} {row.request_digest}"
        return row.cache_key

    @property
    def booked(self) -> Booked | None:
        """As plugins may see it."""
        row = self.row
        if not self.answered or self.body is not None:
            return None
        return Booked(
            id=row.id,
            at=datetime.fromtimestamp(row.time_ms / 1000, UTC),
            requested_model=row.requested_model,
            model=row.model,
            key=row.key,
            user=row.user,
            source=row.source,
            status=row.status,
            complexity=row.complexity,
            route=row.route,
            cost_nano_usd=row.cost_nano_usd,
        )

    @property
    def left_out(self) -> Left | None:
        """None for what is played."""
        row = self.row
        if row.source == "hedge":
            return "hedge"
        if row.id.startswith(OWN):
            return "own"
        early = self.answered and row.source == "error" and not row.attempts and row.tried is None
        return "unread" if early and row.error not in _OF_THE_PIPELINE else None

    @property
    def served(self) -> bool:
        """Whether a provider gave the answer."""
        return self.answered and self.row.source == "provider"

    @property
    def was_kept(self) -> bool:
        """Whether a plugin gave a good answer."""
        return self.answered and self.row.status < 400 and self.row.source not in NO_PLUGIN

    @property
    def usage(self) -> Usage | None:
        row = self.row
        if row.prompt_tokens is None:
            return None
        return Usage(
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens or 0,
            cached_tokens=row.cached_tokens or 0,
            cache_write_tokens=row.cache_write_tokens or 0,
            reasoning_tokens=row.reasoning_tokens or 0,
        )
