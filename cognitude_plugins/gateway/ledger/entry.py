"""A call's row, made when its last byte is about to leave. A plain dict: this is on the path of every request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from hooks import Call, Fingerprint, Reply, Usage

from ..lifeline import Gone
from ..trace import Trace
from .records import LARGEST

log: Final = logging.getLogger("cognitude.ledger")

_LONGEST: Final = 256
_LONGEST_ROUTE: Final = 1024
_MOST: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")


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
    """The fields of `Row`, such as the database takes them whatever plugins noted down: the call was paid for.

    Text that a client or a plugin chose is cut to 256 characters.
    """
    caller, deployment, told = call.caller, reply.deployment, _told(call)
    first, seconds = trace.first_byte, trace.seconds()
    requested = _text(requested_model)
    return {
        "id": call.id,
        "time_ms": trace.arrived_ms,
        "organization": _text(caller.organization, None),
        "key": _text(caller.key, None),
        "user": None if caller.user is None else _text(caller.user),
        "api": call.api,
        "requested_model": requested,
        "model": _text(deployment.model) if deployment is not None else requested if known_model else "",
        "provider": "" if deployment is None else deployment.provider,
        "deployment": None if deployment is None else _text(deployment.id),
        "source": _text(reply.source, None),
        "status": reply.status,
        "stream": call.stream,
        "complete": gone is None,
        "error": gone if gone is not None else None if reply.status < 400 else _code(reply),
        **(_UNKNOWN if usage is None else _tokens(usage)),
        "cost_nano_usd": None if cost_nano_usd is None or cost_nano_usd > LARGEST else cost_nano_usd,
        "saved_nano_usd": _saved(told["saved_nano_usd"]) if told and "saved_nano_usd" in told else 0,
        "latency_us": round(seconds * 1e6),
        "first_token_us": None if first is None else round((first - trace.started) * 1e6),
        "overhead_us": _overhead_us(trace, seconds if first is None or not call.stream else first - trace.started),
        "attempts": trace.attempts,
        **(_noted(told) if told else _NOTHING_NOTED),
        "route": _route(trace.reasons, told.get("reasons") if told else None),
        "decisions": _text(_decisions(trace), _LONGEST_ROUTE) if trace.decisions else None,
        "tried": _text(trace.attempts_text(), _LONGEST_ROUTE) if trace.tried else None,
        **_prompt(call, told),
        "tags": tags,
    }  # fmt: skip


def _told(call: Call) -> dict[str, Any] | None:
    """What plugins noted down."""
    told = call.state.get("ledger")
    if told is None or isinstance(told, dict):
        return told
    _drop("all of it", told)
    return None


def _route(reasons: tuple[str, ...], told: Any) -> str | None:
    """What routers said, and then what other plugins did."""
    if isinstance(told, tuple):
        reasons = (*reasons, *(str(one) for one in told))
    return _text("; ".join(reasons), _LONGEST_ROUTE) if reasons else None


def _tokens(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_reported": usage.reported,
    }


_NO_FINGERPRINT: Final[Mapping[str, None]] = dict.fromkeys(
    ("request_digest", "shape_digest", "prefix_digest", "prefix_tokens")
)
_NOTHING_NOTED: Final[Mapping[str, None]] = {"complexity": None, "cache_key": None}
_UNKNOWN: Final[Mapping[str, None]] = dict.fromkeys(_tokens(Usage()))


def _most(body: Mapping[str, Any]) -> int | None:
    """By whichever of its names the API has."""
    for name in _MOST:
        most = body.get(name)
        if type(most) is int and 0 <= most <= LARGEST:
            return most
    return None


def _noted(told: Mapping[Any, Any]) -> Mapping[str, str | None]:
    return {name: _note(told, name) for name in _NOTHING_NOTED}


def _prompt(call: Call, told: Mapping[Any, Any] | None) -> Mapping[str, int | None]:
    found = _fingerprint(told["fingerprint"]) if told and "fingerprint" in told else _NO_FINGERPRINT
    return {"max_tokens": _most(call.payload.peek()), **found}


def _fingerprint(found: Any) -> Mapping[str, int | None]:
    if not isinstance(found, Fingerprint):
        _drop("fingerprint", found)
        return _NO_FINGERPRINT
    return {
        "request_digest": found.request,
        "shape_digest": found.shape,
        "prefix_digest": found.prefix,
        "prefix_tokens": found.prefix_tokens,
    }


def _overhead_us(trace: Trace, seconds: float) -> int:
    """Of so many seconds those in which no provider was waited for."""
    return max(0, round((seconds - trace.provider_seconds) * 1e6))


def _text(text: str, longest: int | None = _LONGEST) -> str:
    """Cut, and without half characters, of which no JSON can be made."""
    text = text[:longest]
    return text if text.isascii() else text.encode(errors="replace").decode()


def _note(told: Mapping[Any, Any], name: str) -> str | None:
    text = told.get(name)
    if text is None or isinstance(text, str):
        return None if text is None else _text(text)
    _drop(name, text)
    return None


def _saved(nano_usd: Any) -> int:
    if type(nano_usd) is int and abs(nano_usd) <= LARGEST:
        return nano_usd
    _drop("saved_nano_usd", nano_usd)
    return 0


def _drop(name: str, value: object) -> None:
    _say_dropped(name, type(value).__name__)


@lru_cache(maxsize=64)
def _say_dropped(name: str, kind: str) -> None:
    """Once for each, not with every call."""
    log.warning("a plugin's note for the ledger is left out of the rows: %s is of type %s or too large", name, kind)


def _decisions(trace: Trace) -> str:
    return "; ".join(f"{made.plugin} {made.stage}: {made.would}" for made in trace.decisions)


def _code(reply: Reply) -> str:
    """The error code of the envelope, or the status: a word to group by, never the message."""
    body = reply.body
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    word = code if isinstance(code, str) and code else f"status_{reply.status}"
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-.") else "_" for char in word[:64])
