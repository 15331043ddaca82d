"""Which conversation a call says it belongs to: one rule for all who keep conversations together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .call import Call

HEADER: Final = "x-conversation-id"
_NAMES: Final = ("conversation_id", "thread_id", "session_id")


def conversation_name(call: Call) -> str | None:
    """The client's own name for it: of the header, of ``metadata``, or its ``prompt_cache_key``; None without one."""
    body = call.payload.peek()
    metadata = body.get("metadata")
    inside = [metadata.get(name) for name in _NAMES] if isinstance(metadata, Mapping) else []
    given = (call.headers.get(HEADER), *inside, body.get("prompt_cache_key"))
    return next((one for one in given if isinstance(one, str) and one), None)
