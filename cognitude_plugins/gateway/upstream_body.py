"""The bytes that are sent to a deployment, and whether the client itself asked for what is asked for there."""

from __future__ import annotations

from hooks import Call, Deployment

from .splice import with_field


def upstream_body(call: Call, deployment: Deployment) -> bytes:
    """The bytes to send: the client's own, with the upstream's model name, and usage asked for on a stream."""
    payload = with_field(call.payload, "model", deployment.upstream_model)
    if call.api in ("chat", "completions") and call.stream:
        options = payload.peek().get("stream_options")
        asked = {**options, "include_usage": True} if isinstance(options, dict) else {"include_usage": True}
        payload = with_field(payload, "stream_options", asked)
    return payload.raw


def asked_for_usage(call: Call) -> bool:
    """Whether the client itself asked for the usage event of its stream."""
    options = call.payload.peek().get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
