"""What a provider's refusal is about, where another deployment may well answer: the prompt's length, or its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hooks import Reply

_TOO_LONG: Final = re.compile(
    r"context.?(length|window|size)|maximum (prompt|model|input) length|prompt is too long|input is too long"
    r"|reduce the length of the (messages|prompt|input)|too large for model|too many (input )?tokens"
    r"|input token count.{0,40}exceeds|exceeds? the (maximum|max).{0,30}tokens|longer than the maximum model length"
    r"|number of tokens in the prompt cannot exceed",
    re.IGNORECASE,
)
"""OpenAI, Azure, Groq, DeepSeek and vLLM say the context length; Anthropic that the prompt, Bedrock that the input is
too long; llama.cpp the context size; Gemini the input token count; xAI the maximum prompt length; Mistral too large for
model; Cohere too many tokens."""

_LONG_CODES: Final = frozenset({"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"})
_CONTENT_CODES: Final = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
_LIMITS: Final = re.compile(r"(?:maximum|max)\D{0,40}?(?:is|of|length)\D{0,10}?(\d[\d,]{2,11})", re.IGNORECASE)
_REFUSALS: Final = frozenset({400, 413, 422})
_READ: Final = 2000


def too_long(reply: Reply) -> bool:
    """Whether prompt and answer do not fit into the model's context."""
    if reply.status not in _REFUSALS:
        return False
    error = _error(reply)
    return not _LONG_CODES.isdisjoint(_words(error)) or _TOO_LONG.search(_message(error)) is not None


def stated_limit(reply: Reply) -> int | None:
    """The tokens that the refusal says there is room for."""
    found = _LIMITS.search(_message(_error(reply)))
    return int(found[1].replace(",", "")) if found else None


def for_its_content(reply: Reply) -> bool:
    """Whether the provider does not want to speak of this."""
    if reply.status not in _REFUSALS:
        return False
    error = _error(reply)
    inner = error.get("innererror")
    words = _words(error) | (_words(inner) if isinstance(inner, Mapping) else set())
    return not _CONTENT_CODES.isdisjoint(words) or "ResponsibleAIPolicyViolation" in words


def _error(reply: Reply) -> Mapping[str, Any]:
    body = reply.body
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _words(error: Mapping[str, Any]) -> set[str]:
    return {word for name in ("code", "type") if isinstance(word := error.get(name), str)}


def _message(error: Mapping[str, Any]) -> str:
    message = error.get("message")
    return message[:_READ] if isinstance(message, str) else ""
