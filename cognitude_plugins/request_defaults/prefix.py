"""A text put before the instructions of a request, wherever its API keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_INSTRUCTIONS: Final = {"responses": "instructions", "messages": "system"}


def prefixed(body: Mapping[str, Any], api: str, prefix: str) -> dict[str, Any]:
    """The body with ``prefix`` before its instructions, a blank line between; a body that begins so already is left.

    chat: the first system or developer message, or a new first message. completions: each prompt that is text; token
    arrays cannot be prefixed. responses and messages: their own field for instructions. embeddings: nothing.
    """
    changed = dict(body)
    if api == "chat":
        changed["messages"] = _chat(body.get("messages"), prefix)
    elif api == "completions":
        changed["prompt"] = _prompt(body.get("prompt"), prefix)
    elif api in _INSTRUCTIONS:
        name = _INSTRUCTIONS[api]
        changed[name] = _content(body.get(name), prefix)
    return changed


def _chat(messages: Any, prefix: str) -> Any:
    if not isinstance(messages, list):
        return messages
    for index, message in enumerate(messages):
        if isinstance(message, Mapping) and message.get("role") in ("system", "developer"):
            first = {**message, "content": _content(message.get("content"), prefix)}
            return [*messages[:index], first, *messages[index + 1 :]]
    return [{"role": "system", "content": prefix}, *messages]


def _prompt(prompt: Any, prefix: str) -> Any:
    if isinstance(prompt, str):
        return _text(prompt, prefix)
    if isinstance(prompt, list):
        return [_text(item, prefix) if isinstance(item, str) else item for item in prompt]
    return prompt


def _content(content: Any, prefix: str) -> Any:
    if isinstance(content, list):
        part = {"type": "text", "text": prefix}
        return content if content[:1] == [part] else [part, *content]
    return _text(content, prefix) if isinstance(content, str) else prefix


def _text(text: str, prefix: str) -> str:
    begins = text == prefix or text.startswith(f"{prefix}\n\n")
    return text if begins else f"{prefix}\n\n{text}" if text else prefix
