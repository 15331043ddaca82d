"""What every answer of the simulated model is made of, before faults: a body, or events and their pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .text import pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``body`` of a whole answer, or ``events`` of a stream, of which the first ``paced`` come one by one."""

    body: Mapping[str, Any] | None = None
    events: Sequence[Mapping[str, Any]] = ()
    paced: int = 0


def usage_of(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def with_usage(
    events: list[dict[str, Any]], head: Mapping[str, Any], usage: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """A stream whose client asked for usage: null on every event, and one more event, without choices, that has it."""
    if usage is None:
        return events
    return [*({**event, "usage": None} for event in events), {**head, "choices": [], "usage": usage}]


def limited(text: str, limit: int | None) -> tuple[list[str], str]:
    """The text's pieces within the limit, and the finish reason."""
    whole = pieces(text)
    if limit is not None and len(whole) > limit:
        return whole[:limit], "length"
    return whole, "stop"


def grouped(parts: Sequence[str], size: int) -> list[list[str]]:
    """The pieces by the chunk."""
    return [list(parts[start : start + size]) for start in range(0, len(parts), size)]
