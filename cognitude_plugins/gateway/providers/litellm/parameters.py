"""What is handed to LiteLLM: named API fields of the body, the operator's options, and our own settings. Nothing else.

LiteLLM's functions take the API's fields and their own controls (``api_base``, ``mock_response``, ``fallbacks``, some
hundreds more) in one namespace, so a body is never handed on whole. ``metadata`` and ``extra_body`` are left out:
LiteLLM reads controls from them. An option of the operator's wins over the same field of a request.

LiteLLM's ``drop_params`` stays off: a field that the provider does not know is a 400 that says so, not an answer to
another question. An operator who would rather have the answer sets ``options: {drop_params: true}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cognitude_plugins.gateway.providers.provider import Target

CHAT: Final = (
    *("messages", "temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens"),
    *("presence_penalty", "frequency_penalty", "logit_bias", "user", "tools", "tool_choice"),
    *("parallel_tool_calls", "functions", "function_call", "response_format", "seed", "logprobs"),
    *("top_logprobs", "reasoning_effort", "thinking", "verbosity", "modalities", "audio", "prediction"),
    *("service_tier", "safety_identifier", "prompt_cache_key", "store", "web_search_options"),
)
COMPLETIONS: Final = (
    *("prompt", "suffix", "max_tokens", "temperature", "top_p", "n", "stop", "best_of", "echo", "logprobs"),
    *("presence_penalty", "frequency_penalty", "logit_bias", "user", "seed"),
)
EMBEDDINGS: Final = ("input", "dimensions", "user")
"""Without ``encoding_format``: few providers have it, and the OpenAI clients always send it (`answers.embeddings`)."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {"chat": CHAT, "completions": COMPLETIONS, "embeddings": EMBEDDINGS}

RESERVED_OPTIONS: Final = frozenset(
    (
        *("model", "messages", "prompt", "input", "stream", "stream_options", "api_key", "api_base", "base_url"),
        *("headers", "extra_headers", "custom_llm_provider", "timeout", "request_timeout", "stream_timeout"),
        *("num_retries", "max_retries", "retry_policy", "fallbacks", "context_window_fallback_dict", "model_list"),
        *("cache", "caching", "ttl", "mock_response", "mock_tool_calls", "mock_timeout", "mock_delay", "callbacks"),
        *("success_callback", "failure_callback", "logger_fn", "client", "shared_session", "ssl_verify"),
        *("acompletion", "aembedding", "atext_completion", "complete_response", "litellm_logging_obj"),
        *("litellm_params", "litellm_metadata", "metadata", "proxy_server_request"),
    )
)
"""Options an entry cannot set: they are the gateway's to decide, or would take a call out of its hands."""

_OURS: Final = frozenset({"fetch_urls"})


def arguments(
    api: str, body: Mapping[str, Any], target: Target, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Keyword arguments for ``acompletion``, ``atext_completion`` or ``aembedding``.

    ``model`` is always prefixed with the entry's provider: what a client calls a model can choose no other. Raises
    ``ValueError`` for what cannot be a request and for a model name that could be read as an address.
    """
    _check_shape(body)
    taken = {name: body[name] for name in FIELDS[api] if body.get(name) is not None}
    taken |= {name: value for name, value in target.options.items() if name not in _OURS}
    taken |= {"model": f"{target.deployment.provider}/{_model(body, target)}"}
    taken |= {"num_retries": 0, "max_retries": 0, "timeout": target.timeouts.total, "caching": False}
    if api != "embeddings" and body.get("stream") is True:
        taken |= {"stream": True, **_usage_wanted(body)}
    if api == "chat":
        taken["_skip_mcp_handler"] = True
    if target.base_url is not None:
        taken["api_base"] = target.base_url
    if target.api_key is not None:
        taken["api_key"] = target.api_key
    if sent := {**(headers or {}), **target.headers}:
        taken["extra_headers"] = sent
    return taken


def usage_wanted(body: Mapping[str, Any]) -> bool:
    """Whether the body asks for the usage event at the end of its stream."""
    options = body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def _usage_wanted(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream_options": {"include_usage": True}} if usage_wanted(body) else {}


def _model(body: Mapping[str, Any], target: Target) -> str:
    name = body.get("model") or target.deployment.upstream_model
    if not isinstance(name, str) or "://" in name or ".." in name or not name.isprintable():
        raise ValueError("a model's name is no address: it has no '://', no '..' and no control characters")
    return name


def _check_shape(body: Mapping[str, Any]) -> None:
    """LiteLLM's translations trip over these with errors that name its own code, not the field."""
    for name in ("messages", "tools"):
        if not _objects(body.get(name, [])):
            raise ValueError(f"{name} is an array of objects")
    for index, message in enumerate(body.get("messages") or ()):
        content = message.get("content")
        if not (content is None or isinstance(content, str) or _objects(content)):
            raise ValueError(f"messages[{index}].content is a string or an array of objects")
    if any(not isinstance(tool.get("type"), str) for tool in body.get("tools") or ()):
        raise ValueError("every tool has a type")
    if not isinstance(body.get("response_format"), dict | None):
        raise ValueError("response_format is an object")


def _objects(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, dict) for item in value))
