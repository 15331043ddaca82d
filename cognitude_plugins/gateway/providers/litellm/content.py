"""Which content would make LiteLLM, or the operator's cloud account, read something from somewhere else.

LiteLLM downloads ``image_url``, ``file`` and similar parts itself for Anthropic (``http:``), Bedrock, Gemini, Vertex,
Ollama and Snowflake, and looks up ``gs://`` objects with the operator's credentials. A client's URL would so be fetched
from inside the operator's network. Only ``data:`` URLs pass, unless the model's entry says ``fetch_urls: true``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_READ: Final = frozenset(
    (
        *("url", "uri", "image_url", "video_url", "audio_url", "file_url", "document_url"),
        *("file_uri", "fileUri", "imageUrl", "file_id", "file_data"),
    )
)
"""Keys whose value LiteLLM or the upstream may read from: all but inline values and plain ids are refused there."""

_PROSE: Final = frozenset(
    (
        *("text", "thinking", "signature", "refusal", "reasoning_content", "arguments", "input", "title", "context"),
        *("name", "id", "tool_call_id", "tool_use_id", "tool_calls", "function_call", "annotations", "citations"),
        *("thinking_blocks", "provider_specific_fields", "cache_control"),
    )
)
"""Keys of text, and of what an earlier answer said; nobody fetches a URL that stands there."""

_SCHEME: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.\-]*:[/\\]{2}")
_BUCKET: Final = re.compile(r"\s*(gs|s3)://", re.IGNORECASE)


def refused_url(body: Mapping[str, Any]) -> str | None:
    """The path of the first value in ``messages`` or ``input`` that points elsewhere, or None."""
    messages = body.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        for path, key, value in _strings(message, f"messages[{index}]"):
            if _points_elsewhere(key, value):
                return path
    for path, key, value in _strings(body.get("input"), "input"):
        if _BUCKET.match(value) or (key != "" and _points_elsewhere(key, value)):
            return path
    return None


def _points_elsewhere(key: str, value: str) -> bool:
    if key in _READ and not value.startswith("data:"):
        return ":" in value or value.lstrip().startswith(("//", "\\"))
    return key not in ("", "content") and _SCHEME.match(value) is not None


def _strings(value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Path, nearest key and text of every string that is not prose. Iterative: the depth is the client's choice."""
    open_values: list[tuple[str, str, Any]] = [(path, "", value)]
    while open_values:
        path, key, value = open_values.pop()
        if isinstance(value, str):
            yield path, key, value
        elif isinstance(value, Mapping):
            open_values += [(f"{path}.{name}", name, item) for name, item in value.items() if name not in _PROSE]
        elif isinstance(value, list):
            open_values += [(f"{path}[{index}]", key, item) for index, item in enumerate(value)]
