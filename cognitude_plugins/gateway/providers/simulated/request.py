"""What a request to the simulated model must be, as OpenAI's API would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cognitude_plugins.gateway.codec import CODEC


class BadRequest(Exception):
    """Answered with 400. ``param`` names the field, ``code`` is OpenAI's."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def parsed(raw: bytes) -> dict[str, Any]:
    """The body, an object that names a model."""
    try:
        body = CODEC.loads(raw)
    except ValueError:
        raise BadRequest("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body of your request is not a JSON object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise BadRequest("you must provide a model parameter", param="model")
    return body


def required(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) is None:
        code = "missing_required_parameter"
        raise BadRequest(f"Missing required parameter: '{name}'.", param=name, code=code)
    return body[name]


def whole_number(body: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """The field, or None when it is missing or null."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        said = f"Invalid '{name}': {value!r:.40} is not an integer from {low} to {high}."
        raise BadRequest(said, param=name, code="invalid_value")
    return value


def wants_usage(body: Mapping[str, Any]) -> bool:
    """Whether a stream is to end with the usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def stopped(text: str, stop: Any) -> str:
    """The text up to the first of the ``stop`` sequences."""
    marks = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    ends = [text.find(mark) for mark in marks if isinstance(mark, str) and mark]
    return text[: min((end for end in ends if end >= 0), default=len(text))]
