"""LiteLLM's response objects as the bytes that an OpenAI-compatible server would have sent."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from cognitude_plugins.gateway.codec import CODEC
from hooks import Payload
from hooks.sse import encode


def whole(response: Any) -> Payload:
    """A ``chat.completion`` or ``text_completion``. Nulls are left out, but for those that the API always sends."""
    body = _dumped(response)
    for choice in body.get("choices", ()):
        _without_empty(choice)
        choice.setdefault("finish_reason", "stop")
        choice.setdefault("logprobs", None)
        if isinstance(choice.get("message"), dict):
            _without_empty(choice["message"])
            choice["message"].setdefault("content", None)
    return _payload(body)


def embeddings(response: Any, wanted: Mapping[str, Any]) -> Payload:
    """An embeddings ``list``, its vectors packed as the request's ``encoding_format`` says: it was not handed on."""
    body = _dumped(response)
    if wanted.get("encoding_format") == "base64":
        for item in body.get("data", ()):
            if isinstance(item.get("embedding"), list):
                item["embedding"] = _packed(item["embedding"])
    return _payload(body)


def event(chunk: Any, *, model: str | None, usage: bool) -> bytes:
    """One event of a stream; empty when nothing is left to say.

    ``model`` is the upstream's name of itself, if it said one; ``usage`` whether the request asked for the usage event.
    """
    body = _dumped(chunk)
    if model is not None:
        body["model"] = model
    choices = body.setdefault("choices", [])
    if "usage" in body:
        # The API's usage event has no choices; LiteLLM's has one that says nothing.
        body["choices"] = choices = [choice for choice in choices if _says_something(choice)]
        if not usage:
            del body["usage"]
            if not choices:
                return b""
    for choice in choices:
        _without_empty(choice)
        choice.setdefault("finish_reason", None)
        if body.get("object") == "text_completion":
            choice.setdefault("text", "")
        else:
            choice.setdefault("delta", {})
    return encode(body, CODEC)


def _dumped(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = response.model_dump(exclude_none=True)
    _without_empty(body)
    # LiteLLM's own estimate; what a call costs is the gateway's to say.
    body.get("usage", {}).pop("cost", None)
    return body


def _without_empty(part: dict[str, Any]) -> None:
    """Takes out LiteLLM's additions to the API that say nothing: empty lists, and objects of nulls."""
    for name in [name for name in part if name in ("images", "thinking_blocks") or name.startswith("vertex_ai_")]:
        if not part[name]:
            del part[name]
    specific = part.get("provider_specific_fields")
    if isinstance(specific, dict) and all(value is None for value in specific.values()):
        del part["provider_specific_fields"]


def _says_something(choice: Mapping[str, Any]) -> bool:
    return bool(choice.get("delta") or choice.get("text") or choice.get("finish_reason"))


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _payload(body: dict[str, Any]) -> Payload:
    return Payload(CODEC.dumps(body), body, codec=CODEC)
