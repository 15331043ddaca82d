"""What went wrong in a call that LiteLLM made, told as the direct path tells it: by what came over the wire.

LiteLLM's own exceptions wrap the upstream's message several times over and some carry a traceback, so they are asked
only for what the wire does not say: that a 400 was about the key, the context length or a content policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.provider import ProviderError, Target
from cognitude_plugins.gateway.providers.verdict import failure, judge, unquoted
from hooks import Reply

_CODES: Final = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}
_CREDENTIAL: Final = frozenset({401, 403})
_NOISE: Final = re.compile(r"^(?:litellm\.)?[A-Za-z]*(?:Error|Exception|Timeout)\s*(?::|-)\s*")
_ADVICE: Final = re.compile(r"\s(?:Original exception:|To drop these|Either provide one|Received Model Group)")
_SHOWN: Final = 300


def told(error: Exception, wire: Any, target: Target, *, streamed: bool) -> Reply:
    """The reply for the client, or `ProviderError`. ``wire`` is the call's `wire.Wire`."""
    if wire.failure is not None:
        raise _broken(wire.failure, target) from error
    status = getattr(error, "status_code", None)
    if wire.error is not None:
        return _judged(error, status, wire.error, target)
    if "Timeout" in type(error).__name__:
        raise failure("timeout", "the provider did not answer in time", status=504) from error
    # A 2xx was read, or nothing was sent: LiteLLM's own 4xx is about the request, its 5xx of a whole answer about its
    # own reading, and that of a stream is what an error event said.
    if isinstance(status, int) and (400 <= status < 500 or (wire.sent and streamed)):
        envelope = _envelope({"message": _plain(str(error))}, status, error, target)
        return judge(status, {}, envelope, own=bool(target.owner))
    if wire.sent:
        raise failure("malformed", "the provider's answer could not be read") from error
    raise failure(
        "untranslatable", f"the request could not be put into the form of {target.deployment.provider}"
    ) from error


def broken_stream(error: Exception, wire: Any) -> str:
    """The reason for `Broke`, of a stream that failed after its first event."""
    if wire.failure is not None:
        return "timeout" if "Timeout" in type(wire.failure).__name__ else "reset"
    status = getattr(error, "status_code", None)
    return f"status_{status}" if isinstance(status, int) else "malformed"


def _judged(error: Exception, status: Any, answer: Any, target: Target) -> Reply:
    real = status if status in _CREDENTIAL and answer.status_code < 500 else answer.status_code
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return judge(real, headers, _envelope(_parsed(answer.content), real, error, target), own=bool(target.owner))


def _broken(error: Any, target: Target) -> ProviderError:
    kind = type(error).__name__
    if kind == "ConnectTimeout":
        return failure("timeout", f"the provider could not be reached within {target.timeouts.connect:g} s", status=504)
    if "Timeout" in kind:
        return failure("timeout", "the provider did not answer in time", status=504)
    if kind == "ConnectError":
        return failure("connect", "the provider could not be reached")
    return failure("reset", "the provider broke off before it answered")


def _envelope(body: Any, status: int, error: Exception, target: Target) -> bytes:
    """The upstream's message in the OpenAI envelope; what is not known of it is null."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        inner = {"message": inner if isinstance(inner, str) else None}
    said = next((inner[key] for key in ("message", "Message", "detail") if isinstance(inner.get(key), str)), None)
    code = next((_CODES[known.__name__] for known in type(error).__mro__ if known.__name__ in _CODES), None)
    default = "invalid_request_error" if status < 500 and status not in (408, 429) else "provider_error"
    kind = inner.get("type") if isinstance(inner.get("type"), str) else default
    named = next((inner[key] for key in ("code", "status") if isinstance(inner.get(key), str)), None)
    param = inner.get("param") if isinstance(inner.get("param"), str) else None
    message = _clean(said or "the provider gave no reason", target)
    envelope = CODEC.dumps({"error": {"message": message, "type": kind, "param": param, "code": code or named}})
    return unquoted(envelope, target.secrets())


def _clean(message: str, target: Target) -> str:
    for secret in target.secrets():
        if secret:
            message = message.replace(secret, "***")
    return message[:_SHOWN]


def _plain(message: str) -> str:
    """The first line of what LiteLLM says itself, without its class names in front and its advice behind."""
    message = message.splitlines()[0] if message else ""
    while (shorter := _NOISE.sub("", message, count=1)) != message:
        message = shorter
    return _ADVICE.split(message, maxsplit=1)[0].strip()


def _parsed(raw: bytes) -> Any:
    try:
        return CODEC.loads(raw)
    except ValueError:
        return None
