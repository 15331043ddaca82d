"""How a stream ends that does not come to its own end, and what the client is told."""

from __future__ import annotations

from typing import Final

from hooks import Reply
from hooks.sse import encode

from .codec import CODEC
from .lifeline import Gone
from .policy import Rejected

UNRECORDED: Final = Reply.error(
    503,
    "The call could not be written into the ledger, so it is not answered; try again later.",
    type="server_error",
    code="not_recorded",
    headers={"retry-after": "5"},
)


class Stopped(Exception):
    """The process has to go before the stream has come to its end."""


class Unrecorded(Exception):
    """The call cannot be written into the ledger, and the policy is not to answer it then."""


def blame(error: Exception) -> Gone:
    return "plugin_error" if isinstance(error, Rejected) else "provider_error"


def error_event(error: Exception) -> bytes:
    """The event with which a broken stream ends; the SDKs raise on it instead of taking the text for complete."""
    code, what = "provider_broke_off", f"it broke off ({error})"
    if isinstance(error, Rejected):
        code, what = "plugin_failed", f"the plugin {str(error)!r} failed"
    elif isinstance(error, Stopped):
        code, what = "shutting_down", "the gateway is shutting down"
    elif isinstance(error, Unrecorded):
        code, what = "not_recorded", "it could not be written into the ledger"
    message = f"The answer is not complete: {what}."
    return encode({"error": {"message": message, "type": "server_error", "param": None, "code": code}}, CODEC)
