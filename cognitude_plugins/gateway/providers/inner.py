"""The app behind the middleware as the provider: the client's request reaches it, and its own answer the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cognitude_plugins.gateway.codec import CODEC
from cognitude_plugins.gateway.providers.asgi import PATHS, bare_scope, break_off
from cognitude_plugins.gateway.providers.asgi_exchange import AsgiApp, Exchange, Headers, Scope
from cognitude_plugins.gateway.providers.provider import ProviderError, Target, patience
from cognitude_plugins.gateway.providers.verdict import judge
from cognitude_plugins.gateway.splice import with_field
from hooks import Call, Deployment, Payload, Reply

_TRANSIENT: Final = frozenset({408, 429})
_REFUSED: Final = frozenset({401, 402, 403})
_OUT_OF_DATE: Final = frozenset(
    {
        b"accept-encoding",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"te",
        b"traceparent",
        b"trailer",
        b"transfer-encoding",
    }
)
"""Of the request: not true of the body that is handed on, or of an answer that has to be read (``accept-encoding``)."""

KEYS: Final = frozenset(
    {
        b"api-key",
        b"authorization",
        b"ocp-apim-subscription-key",
        b"proxy-authorization",
        b"x-api-key",
        b"x-goog-api-key",
        b"x-litellm-api-key",
    }
)
"""Headers in which clients of OpenAI's, Azure's, Anthropic's, Google's and LiteLLM's APIs send a key."""

_THE_SERVERS: Final = ("http.response.", "cognitude.")
"""Extensions for whoever writes to the connection, which is us."""

_OF_THE_MESSAGE: Final = frozenset({b"content-length", b"transfer-encoding", b"connection", b"date", b"server"})
_JSON: Final = b"application/json"


class InnerApp:
    """Calls ``app`` with the scope that came in, found in ``scopes`` by the call's id.

    Status, body and headers of its answer stay, errors too, so that a client sees what it would see without us. With
    ``keeps_key`` the client's key is handed on and a 401 is its business; else the target's key is sent in place of
    every key the client sent, and the app's 401, 402 or 403 is a 502: it speaks of a key that the client has not got.
    """

    def __init__(self, app: AsgiApp, scopes: Mapping[str, Scope], *, keeps_key: bool) -> None:
        self._app = app
        self._scopes = scopes
        self._keeps_key = keeps_key
        self._dropped = _OUT_OF_DATE if keeps_key else _OUT_OF_DATE | KEYS
        self._open: set[Exchange] = set()

    async def start(self) -> None:
        """Nothing to open: the app's lifespan is run by the server, through the middleware."""

    async def stop(self) -> None:
        await break_off(self._open)

    async def send(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Reply:
        body = asked_by_name(body, target.deployment)
        exchange = Exchange(body, target.timeouts, self._open)
        await exchange.first(self._app, self._scope(call, body, target, headers), patience(call, target.timeouts))
        status = exchange.status
        if exchange.streamed:
            return Reply(status=status, headers=_kept(exchange.headers, streamed=True), chunks=exchange)
        if status in _REFUSED and not self._keeps_key:
            return judge(status, {}, b"")
        payload = Payload(exchange.body, codec=CODEC)
        reply = Reply(status=status, headers=_kept(exchange.headers, streamed=False), payload=payload)
        if status in _TRANSIENT or status >= 500:
            raise ProviderError(f"status_{status}", reply, retryable=True)
        return reply

    def _scope(self, call: Call, body: bytes, target: Target, headers: Mapping[str, str]) -> Scope:
        """The request's own; of a call that a plugin makes, one with nothing but the path."""
        scope = self._scopes.get(call.id) or bare_scope("/v1" + PATHS[call.api])
        dropped = self._dropped
        kept = [pair for pair in scope["headers"] if pair[0] not in dropped]
        kept += [(name.encode(), value.encode()) for name, value in headers.items()]
        if target.api_key is not None:
            kept.append((b"authorization", b"Bearer " + target.api_key.encode()))
        kept.append((b"content-length", b"%d" % len(body)))
        extensions = scope.get("extensions") or {}
        lent = {name: value for name, value in extensions.items() if not name.startswith(_THE_SERVERS)}
        return {**scope, "headers": kept, "extensions": lent}


def asked_by_name(body: bytes, deployment: Deployment) -> bytes:
    """The body with the model's own name: ``upstream_model``, by which its price is known, is nothing to the app."""
    if deployment.upstream_model == deployment.model:
        return body
    return with_field(Payload(body, codec=CODEC), "model", deployment.model).raw


def _kept(headers: Headers, *, streamed: bool) -> dict[str, str]:
    """The answer's headers for the reply; several of one name are one list (RFC 9110, 5.3), of cookies the last stays.

    A content type stays where it is not the one that such an answer has anyway.
    """
    kept: dict[str, str] = {}
    for raw, value in headers:
        name = raw.lower()
        if name in _OF_THE_MESSAGE or (name == b"content-type" and (streamed or value.startswith(_JSON))):
            continue
        key, text = name.decode("latin-1"), value.decode("latin-1")
        kept[key] = f"{kept[key]}, {text}" if key in kept and key != "set-cookie" else text
    return kept
