"""Which calls are looked up, and which answers are worth to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks import Call

from .settings import Config

APIS: Final = frozenset({"chat", "completions", "embeddings"})
_TEMPERATURE: Final = 1.0
"""Of a request that names none (OpenAI's API reference, ``temperature``)."""


def bypassed(call: Call, config: Config) -> str | None:
    """Why a call has nothing to do with the cache; None where it has."""
    if call.api not in APIS:
        return f"the {call.api} API is not cached"
    temperature = call.payload.peek().get("temperature")
    if isinstance(temperature, (int, float)) and temperature > config.max_temperature:
        return f"its temperature is above {config.max_temperature:g}"
    if temperature is None and config.max_temperature < _TEMPERATURE:
        return f"it has no temperature, so {_TEMPERATURE:g}, above {config.max_temperature:g}"
    if config.scope == "user" and not call.caller.user:
        return "it is of no user"
    return None


def worth_keeping(body: Any, config: Config) -> bool:
    """Of a complete answer of a provider, as JSON: whether it is one, and calls no tool that it must not call twice."""
    if not isinstance(body, Mapping) or body.get("error"):
        return False
    choices = body.get("choices")
    if choices is None:
        return isinstance(body.get("data"), list)
    if not isinstance(choices, list) or not choices:
        return False
    return all(isinstance(one, Mapping) and one.get("finish_reason") and _harmless(one, config) for one in choices)


def _harmless(choice: Mapping[str, Any], config: Config) -> bool:
    message = choice.get("message")
    if not isinstance(message, Mapping) or config.tool_calls is True:
        return True
    calls = [*(message.get("tool_calls") or ()), *([message["function_call"]] if message.get("function_call") else ())]
    allowed = config.tool_calls or ()
    return all(_tool(one) in allowed for one in calls)


def _tool(call: Any) -> str | None:
    if not isinstance(call, Mapping):
        return None
    function = call.get("function") or call.get("custom") or call
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None
