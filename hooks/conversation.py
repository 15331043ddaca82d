"""Which conversation a call says it belongs to: one rule for all who keep conversations together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .call import Call

HEADER: Final = "x-conversation-id"
_NAMES: Final = ("conversation_id", "thread_id", "session_id")


def conversation_name(call: Call) -> str | None:
    """The client's own name for it: of the header, of ``metadata``, or its ``prompt_cache_key``; None without one."""
    named = call.headers.get(HEADER)
    if named:
        return named
    body = call.payload.peek()
    metadata, key = body.get("metadata"), body.get("prompt_cache_key")
    if isinstance(metadata, Mapping):
        for name in _NAMES:
            inside = metadata.get(name)
            if isinstance(inside, str) and inside:
                return inside
    return key if isinstance(key, str) and key else None
