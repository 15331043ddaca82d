"""What conversation a call belongs to, where it says so or as far as its beginning tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks import Call
from hooks.conversation import conversation_name

_LOOKED_AT: Final = 2000
"""Characters of a prompt: two conversations that begin with the same ones are taken for one."""


def conversation_of(call: Call) -> str:
    """Named by the client, else the system prompt with the first user message, which stay the same while it grows."""
    name = conversation_name(call)
    return f"p:{_beginning(call.payload.peek())}" if name is None else f"c:{name}"


def _beginning(body: Mapping[str, Any]) -> str:
    messages = body.get("messages", body.get("input"))
    if not isinstance(messages, list | tuple):
        return f"{_text(body.get('instructions'))}\0{_text(messages or body.get('prompt'))}"
    parts = [_text(body.get("system") or body.get("instructions"))]
    for message in messages:
        if not isinstance(message, Mapping):
            parts.append(_text(message))
            break
        parts.append(_text(message.get("content")))
        if message.get("role") == "user":
            break
    return "\0".join(parts)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content[:_LOOKED_AT]
    if isinstance(content, list | tuple):
        texts = [part.get("text") for part in content[:16] if isinstance(part, Mapping)]
        return "\0".join(text[:_LOOKED_AT] for text in texts if isinstance(text, str))
    return ""
