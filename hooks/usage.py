"""The tokens of one call, as providers report them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MEDIA: Final = ("audio", "image", "video")
_MEDIA_TOKENS: Final = tuple((f"{kind}_tokens", kind) for kind in MEDIA)
_SEARCHES: Final = frozenset(
    {"web_search_requests", "google_maps_grounding_requests", "num_search_queries", "num_sources_used"}
)
_TOOLS_RUN: Final = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"})
_MOST: Final = 2**31 - 1
"""Tokens. A number above it is none that was counted, and would be too large for the sums."""
_PROMPT: Final = ("prompt_tokens", "input_tokens")
_COMPLETION: Final = ("completion_tokens", "output_tokens")
_CACHED: Final = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
_WRITTEN: Final = ("cache_creation_tokens", "cache_write_tokens")
_ANSWERS: Final = frozenset({"choices", "output", "content", "response", "message"})
"""Where an answer or a stream event has what the model wrote."""
_ORDINARY: Final = frozenset(
    {
        *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
        *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"),
    }
)
_PLAIN: Final = frozenset(
    {"cached_tokens", "reasoning_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"}
)
"""Members that have no price of their own."""
SERVICES: Final = frozenset({"flex", "priority", "batch", "scale", "balanced", "fast", "ultrafast"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call. ``reported`` is False when the gateway counted because the provider did not say.

    ``cached_tokens`` (read from the provider's prompt cache) and ``cache_write_tokens`` (written into it) are parts of
    ``prompt_tokens``, ``reasoning_tokens`` of ``completion_tokens``. ``apart`` names, sorted, what else was reported
    that may have a price of its own: ``audio``, ``image``, ``video`` (tokens of that kind), ``search`` (any tool the
    provider ran), ``cache_write_1h`` (everything written stays for an hour) or ``cache_write_mixed`` (some of it), and
    the service tier if it is not the ordinary one (``flex``, ``priority``, …), ``geo`` (kept to one region).
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    reported: bool = True
    apart: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Any) -> Usage | None:
        """What an answer or a stream event reports: chat, completions, embeddings, responses or messages API.

        None when it does not count both prompt and completion, or only the prompt where nothing is written: unknown
        is not zero. Other fields that are missing or not whole numbers are 0, and a part is never more than its whole.
        Differences between providers are evened out: Anthropic leaves cached tokens out of ``input_tokens``, xAI
        reasoning tokens out of ``completion_tokens``; here both are in.
        """
        found = holder(body)
        if found is None:
            return None
        usage: Mapping[str, Any] = found["usage"]
        prompt = _count(usage, *_PROMPT)
        completion = _count(usage, *_COMPLETION)
        if prompt is None or (completion is None and _writes(body, usage)):
            return None
        completion = completion or 0
        inside = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
        outside = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
        read = _count(inside, "cached_tokens") or _count(usage, *_CACHED) or 0
        write = _count(inside, *_WRITTEN) or _count(usage, "cache_creation_input_tokens") or 0
        reasoning = _count(outside, "reasoning_tokens") or _count(usage, "reasoning_tokens") or 0
        if "prompt_tokens" not in usage and not isinstance(inside, dict):
            prompt += read + write
        if reasoning and _count(usage, "total_tokens") == prompt + completion + reasoning:
            completion += reasoning
        read = min(read, prompt)
        return cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            cached_tokens=read,
            cache_write_tokens=min(write, prompt - read),
            reasoning_tokens=min(reasoning, completion),
            apart=_apart(found, usage, inside, outside),
        )


def holder(body: Any) -> Mapping[str, Any] | None:
    """Where ``usage`` is: the body, or in a stream the ``response`` or ``message`` in it, or Groq's own ``x_groq``."""
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("usage"), dict):
        return body
    for inner in (body.get("response"), body.get("message"), body.get("x_groq")):
        if isinstance(inner, dict) and isinstance(inner.get("usage"), dict):
            return inner
    return None


def _writes(body: Mapping[str, Any], usage: Mapping[str, Any]) -> bool:
    """Whether a completion that is not counted is one all the same; of embeddings there is none."""
    return not _ANSWERS.isdisjoint(body) or any(usage.get(name) is not None for name in _COMPLETION)


def _apart(body: Mapping[str, Any], usage: Mapping[str, Any], inside: Any, outside: Any) -> tuple[str, ...]:
    """Nothing for most: seen without a look at each thing that there might be."""
    ordinary = _ORDINARY.issuperset(usage) and body.get("service_tier") in (None, "default") and "output" not in body
    if ordinary and _plain(inside) and _plain(outside):
        return ()
    return tuple(sorted(set(_all_apart(body, usage, inside, outside))))


def _plain(part: Any) -> bool:
    return part is None or (isinstance(part, dict) and all(not value or name in _PLAIN for name, value in part.items()))


def _all_apart(body: Mapping[str, Any], usage: Mapping[str, Any], inside: Any, outside: Any) -> Iterator[str]:
    for part in (inside, outside):
        if isinstance(part, dict):
            for name, kind in _MEDIA_TOKENS:
                if part.get(name) and _count(part, name):
                    yield kind
    if _searched(usage) or _searched(inside) or _searched(usage.get("server_tool_use")) or _ran_tools(body):
        yield "search"
    for service in (body.get("service_tier"), usage.get("service_tier"), usage.get("speed")):
        if isinstance(service, str) and service in SERVICES:
            yield service
    if usage.get("inference_geo") not in (None, "", "global", "not_available"):
        yield "geo"
    detailed = inside.get("cache_creation_token_details") if isinstance(inside, dict) else None
    written = usage.get("cache_creation") or detailed
    if written and _count(written, "ephemeral_1h_input_tokens"):
        yield "cache_write_mixed" if _count(written, "ephemeral_5m_input_tokens") else "cache_write_1h"


def _searched(part: Any) -> bool:
    return isinstance(part, dict) and not _SEARCHES.isdisjoint(part) and any(_count(part, name) for name in _SEARCHES)


def _ran_tools(body: Mapping[str, Any]) -> bool:
    output = body.get("output")
    return isinstance(output, list) and any(isinstance(one, dict) and one.get("type") in _TOOLS_RUN for one in output)


def _count(mapping: Any, *names: str) -> int | None:
    """The first of these members that is a whole number, not negative, and not beyond what a call can have."""
    if isinstance(mapping, dict):
        for name in names:
            value = mapping.get(name)
            if type(value) is int and 0 <= value <= _MOST:
                return value
    return None
