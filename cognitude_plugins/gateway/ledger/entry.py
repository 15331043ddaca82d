"""A call's row, made when its last byte is about to leave. A plain dict: this is on the path of every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks import Call, Reply, Usage

from ..lifeline import Gone
from ..trace import Trace

_LONGEST: Final = 256
_LONGEST_ROUTE: Final = 1024


def entry(
    *,
    call: Call,
    requested_model: str,
    known_model: bool,
    reply: Reply,
    trace: Trace,
    gone: Gone | None,
    usage: Usage | None,
    cost_nano_usd: int | None,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The fields of `Row`. Text that a client chose is cut to 256 characters."""
    caller, deployment = call.caller, reply.deployment
    told = call.state.get("ledger") or {}
    first, seconds = trace.first_byte, trace.seconds()
    return {
        "id": call.id,
        "time_ms": trace.arrived_ms,
        "organization": caller.organization,
        "key": caller.key,
        "user": None if caller.user is None else caller.user[:_LONGEST],
        "api": call.api,
        "requested_model": requested_model[:_LONGEST],
        "model": _model(deployment, requested_model if known_model else "")[:_LONGEST],
        "provider": "" if deployment is None else deployment.provider,
        "deployment": None if deployment is None else deployment.id[:_LONGEST],
        "source": reply.source,
        "status": reply.status,
        "stream": call.stream,
        "complete": gone is None,
        "error": gone if gone is not None else None if reply.status < 400 else _code(reply),
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
        "cached_tokens": None if usage is None else usage.cached_tokens,
        "cache_write_tokens": None if usage is None else usage.cache_write_tokens,
        "reasoning_tokens": None if usage is None else usage.reasoning_tokens,
        "usage_reported": None if usage is None else usage.reported,
        "cost_nano_usd": cost_nano_usd,
        "saved_nano_usd": told.get("saved_nano_usd", 0),
        "latency_us": round(seconds * 1e6),
        "first_token_us": None if first is None else round((first - trace.started) * 1e6),
        "overhead_us": max(0, round((seconds - trace.provider_seconds) * 1e6)) if first is None or not call.stream
        else max(0, round((first - trace.started - trace.provider_seconds) * 1e6)),
        "attempts": trace.attempts,
        "complexity": _cut(told.get("complexity")),
        "cache_key": _cut(told.get("cache_key")),
        "route": "; ".join(trace.reasons)[:_LONGEST_ROUTE] if trace.reasons else None,
        "decisions": _decisions(trace) if trace.decisions else None,
        "tags": tags,
    }  # fmt: skip


def _model(deployment: Any, requested: str) -> str:
    return requested if deployment is None else str(deployment.model)


def _cut(text: Any) -> str | None:
    return None if text is None else str(text)[:_LONGEST]


def _decisions(trace: Trace) -> str:
    return "; ".join(f"{made.plugin} {made.stage}: {made.would}" for made in trace.decisions)[:_LONGEST_ROUTE]


def _code(reply: Reply) -> str:
    """The error code of the envelope, or the status: a word to group by, never the message."""
    body = reply.body
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    word = code if isinstance(code, str) and code else f"status_{reply.status}"
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-.") else "_" for char in word[:64])
