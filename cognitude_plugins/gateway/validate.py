"""What the gateway itself asks of a model call's body. Everything else is the provider's to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hooks import Reply

from .request_body import Refused

_NEEDS: Final = {"chat": "messages", "completions": "prompt", "embeddings": "input"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How many messages and choices one call may ask for."""

    messages: int = 4096
    n: int = 8


def check_call(api: str, body: dict[str, Any], limits: CallLimits) -> None:
    """Raises `Refused` with 400 and the ``param`` that is wrong."""
    model = body.get("model")
    if type(model) is not str or not model:
        raise _refused("model", "you must provide a model parameter" if model is None else "it must be a string")
    stream = body.get("stream")
    if stream is not None and type(stream) is not bool:
        raise _refused("stream", "it must be a boolean")
    needed = _NEEDS.get(api)
    if needed is not None and body.get(needed) is None:
        raise _refused(needed, "it is required")
    if api == "chat":
        messages = body["messages"]
        if type(messages) is not list:
            raise _refused("messages", "it must be an array")
        if len(messages) > limits.messages:
            raise _refused("messages", f"{len(messages)} messages are more than the limit of {limits.messages}")
    n = body.get("n")
    if n is not None and (type(n) is not int or not 1 <= n <= limits.n):
        raise _refused("n", f"it must be a whole number from 1 to {limits.n}")


def _refused(param: str, rule: str) -> Refused:
    code = "missing_required_parameter" if "required" in rule or "must provide" in rule else "invalid_value"
    return Refused(Reply.error(400, f"Invalid {param!r}: {rule}.", param=param, code=code))
