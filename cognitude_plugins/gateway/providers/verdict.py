"""What an upstream's answer means for the client: pass it on, try another deployment, or say what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.provider import ProviderError
from hooks import Payload, Reply

CARRIED: Final = ("retry-after", "retry-after-ms", "x-should-retry")
"""The upstream's headers that are the client's business; the SDKs obey them when they wait and retry."""

_TRANSIENT: Final = frozenset({408, 429})
_CREDENTIAL: Final = frozenset({401, 402, 403})
_BLANK: Final = b" \t\r\n"
_SHOWN: Final = 300
_SHORTEST_SECRET: Final = 8


def judge(status: int, headers: Mapping[str, str], raw: bytes, *, own: bool = False) -> Reply:
    """The reply for the client of a whole upstream answer, or `ProviderError`.

    ``headers`` are the upstream's, by lower-case name. 408, 429 and 5xx raise with ``retryable``; a redirect and a 2xx
    that is not JSON raise as 502. 401, 402 and 403 speak of the gateway's own credential or account (of the
    organization's, if it is its ``own``), which the client can do nothing about, and raise as 502 without the
    upstream's text (which may quote the key), ``retryable`` too: the next deployment has a credential of its own. Every
    other 4xx is the client's and is returned: its body as it came if it is an OpenAI envelope, else wrapped in one.
    """
    if 200 <= status < 300:
        return _accepted(status, headers, raw)
    if 400 <= status < 600:
        if status in _CREDENTIAL:
            raise _refused_credential(status, own)
        reply = _error_reply(status, headers, raw)
        if status in _TRANSIENT or status >= 500:
            raise ProviderError(f"status_{status}", reply, retryable=True)
        return reply
    word = "a redirect, which is not followed" if 300 <= status < 400 else "which is not an answer"
    raise failure(f"status_{status}", f"the provider answered {status}, {word}", retryable=False)


def failure(
    reason: str,
    message: str,
    *,
    status: int = 502,
    code: str | None = None,
    retryable: bool = True,
    headers: Mapping[str, str] | None = None,
) -> ProviderError:
    """An attempt that failed without an answer of the upstream's own, as the OpenAI envelope.

    ``code`` defaults to ``provider_`` and the reason. The message goes to the client: no addresses, no secrets in it.
    """
    code = code or f"provider_{reason}"
    return ProviderError(
        reason, Reply.error(status, message, type="provider_error", code=code, headers=headers), retryable=retryable
    )


def unquoted(raw: bytes, secrets: Iterable[str]) -> bytes:
    """An error's body without the secrets that were sent: some providers say which key they did not like."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            raw = raw.replace(secret.encode(), b"[...]")
    return raw


def timed_out(what: str, seconds: float) -> ProviderError:
    """``what`` did not come within ``seconds``: a 504."""
    return failure("timeout", f"the provider sent no {what} within {seconds:g} s", status=504)


def _accepted(status: int, headers: Mapping[str, str], raw: bytes) -> Reply:
    if "json" not in headers.get("content-type", "json"):
        kind = headers["content-type"][:80]
        raise failure("malformed", f"the provider answered {status} with content-type {kind!r} where JSON was due")
    if not _closed(raw):
        raise failure("malformed", f"the provider answered {status} with a body that is no whole JSON object")
    return Reply(status=status, payload=Payload(raw, codec=CODEC))


def _closed(raw: bytes) -> bool:
    """Whether the outermost braces are there. A full parse would cost what forwarding bytes as they came saves."""
    if raw[:1] != b"{":
        raw = raw.lstrip(_BLANK)
    if raw[-1:] != b"}":
        raw = raw.rstrip(_BLANK)
    return len(raw) > 1 and raw[:1] == b"{" and raw[-1:] == b"}"


def _refused_credential(status: int, own: bool) -> ProviderError:
    whose = "your organization's own" if own else "the gateway's"
    return failure(
        f"status_{status}",
        f"the provider refused {whose} credential or account ({status}); your own key is not the cause",
        code="provider_auth_error",
        headers={"x-should-retry": "false"},
    )


def _error_reply(status: int, headers: Mapping[str, str], raw: bytes) -> Reply:
    kept = {name: headers[name] for name in CARRIED if name in headers}
    body = _parsed(raw)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return Reply(status=status, headers=kept, payload=Payload(raw, body, codec=CODEC))
    message = f"the provider answered {status}"
    if said := _said(body):
        message += f": {said[:_SHOWN]}"
    kind = "invalid_request_error" if status < 500 and status not in _TRANSIENT else "provider_error"
    return Reply.error(status, message, type=kind, code=f"provider_status_{status}", headers=kept)


def _parsed(raw: bytes) -> Any:
    try:
        return CODEC.loads(raw)
    except ValueError:
        return None


def _said(body: Any) -> str | None:
    """The sentence of an error body in another shape (FastAPI's ``detail``, Ollama's ``error`` as a string, …)."""
    if not isinstance(body, dict):
        return None
    for name in ("error", "message", "detail"):
        if isinstance(body.get(name), str):
            return str(body[name])
    return None
