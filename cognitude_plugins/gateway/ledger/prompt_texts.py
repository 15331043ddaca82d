"""What of a request body becomes tokens of its prompt: texts to count, and overhead that is known by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

_PER_MESSAGE: Final = 4
"""Three tokens around each message and one for its role (OpenAI cookbook, "How to count tokens with tiktoken")."""

_PER_NAME: Final = 1
_PRIMING: Final = 3
"""Every answer begins with ``<|start|>assistant<|message|>``."""

_FUNCTIONS_END: Final = 12
_PROPERTIES: Final = 3
_PROPERTY: Final = 3
_ENUM: Final = -3
_ENUM_ITEM: Final = 3
"""What tools add (same source, gpt-4o; a function itself costs 7, with gpt-4 and gpt-3.5 10)."""

_LOW_DETAIL: Final = 85
_IMAGE: Final = 765
"""OpenAI's vision guide: 85 for ``detail: low``, else 85 + 170 per tile of 512 pixels; 4 tiles (1024 × 1024) assumed.

The same number stands for any other file, sound or video.
"""

_TEXTS: Final = (
    *("content", "text", "refusal", "reasoning_content", "thinking", "arguments", "output", "input"),
    *("function", "tool_calls", "function_call", "title", "context"),
)
_MEDIA: Final = frozenset(
    {
        *("image_url", "input_image", "image", "input_audio", "audio", "file", "input_file", "document"),
        *("video", "video_url", "inline_data", "computer_screenshot"),
    }
)
_MOST_NODES: Final = 6_000
"""Values that are looked at; a body of more is scaled up from these."""

_MOST_TOOL_BYTES: Final = 65_536


@dataclass(slots=True)
class Prompt:
    """``overhead`` is in tokens; ``scale`` is over 1 when not everything was looked at."""

    texts: list[str] = field(default_factory=list)
    overhead: int = 0
    scale: float = 1.0


def prompt_of(api: str, body: Mapping[str, Any], *, per_function: int, most_nodes: int = _MOST_NODES) -> Prompt:
    """A body of any of the APIs; what is not of its shape adds nothing. Of more values than that the rest is scaled."""
    prompt = Prompt()
    if api in ("chat", "messages", "responses"):
        prompt.overhead += _PRIMING
        for message in _messages(body):
            prompt.overhead += _PER_MESSAGE
            if isinstance(message.get("name"), str):
                prompt.texts.append(message["name"])
                prompt.overhead += _PER_NAME
        _walk(prompt, [body.get(name) for name in ("messages", "input", "system", "instructions")], most_nodes)
        _tools(prompt, [*_list(body.get("tools")), *_list(body.get("functions"))], per_function)
        _json(prompt, body.get("response_format") or body.get("text"))
    else:
        _walk(prompt, [body.get(name) for name in ("prompt", "suffix", "input")], most_nodes)
    return prompt


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _messages(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for message in (*_list(body.get("messages")), *_list(body.get("input")))[:_MOST_NODES]:
        if isinstance(message, dict):
            yield message


def _walk(prompt: Prompt, values: list[Any], most_nodes: int) -> None:
    """Without recursion, each value once: the time is bounded whatever a body looks like."""
    seen = 0
    while values and seen < most_nodes:
        seen += 1
        value = values.pop()
        if isinstance(value, str):
            prompt.texts.append(value)
        elif isinstance(value, list):
            if value and type(value[0]) is int:
                prompt.overhead += len(value)
            else:
                values += value
        elif isinstance(value, dict):
            _part(prompt, value, values)
    prompt.scale = (seen + len(values)) / max(seen, 1)


def _part(prompt: Prompt, part: dict[str, Any], values: list[Any]) -> None:
    kind = part.get("type")
    if isinstance(kind, str) and kind in _MEDIA:
        low = part.get("detail") == "low" or _detail(part.get("image_url")) == "low"
        prompt.overhead += _LOW_DETAIL if low else _IMAGE
    elif kind == "tool_use":
        values.append(part.get("name"))
        _json(prompt, part.get("input"))
    else:
        for name in _TEXTS if "arguments" not in part else ("name", *_TEXTS):
            value = part.get(name)
            if type(value) is str:
                prompt.texts.append(value)
            elif value is not None:
                values.append(value)


def _detail(image: Any) -> Any:
    return image.get("detail") if isinstance(image, dict) else None


def _json(prompt: Prompt, value: Any) -> None:
    if isinstance(value, (dict, list)) and value:
        prompt.texts.append(_encoded(value))


def _tools(prompt: Prompt, tools: list[Any], per_function: int) -> None:
    """As the cookbook counts them; very many as the JSON they are, which is read faster."""
    raw = _encoded(tools)
    if len(raw) > _MOST_TOOL_BYTES:
        prompt.texts.append(raw)
        return
    functions = [tool.get("function", tool) for tool in tools if isinstance(tool, dict)]
    described = [one for one in functions if isinstance(one, dict) and isinstance(one.get("name"), str)]
    if described:
        prompt.overhead += _FUNCTIONS_END
    for one in described:
        prompt.overhead += per_function
        prompt.texts.append(f"{one['name']}:{_sentence(one)}")
        _properties(prompt, one.get("parameters") or one.get("input_schema"))


def _properties(prompt: Prompt, schema: Any) -> None:
    """A JSON Schema's properties at any depth, each as the cookbook counts those of the first."""
    schemas = [schema]
    while schemas:
        current = schemas.pop()
        properties = current.get("properties") if isinstance(current, dict) else None
        if isinstance(properties, dict) and properties:
            prompt.overhead += _PROPERTIES
            for name, one in properties.items():
                if isinstance(one, dict):
                    _property(prompt, name, one)
                    schemas += [one, one.get("items")]


def _property(prompt: Prompt, name: str, schema: Mapping[str, Any]) -> None:
    prompt.overhead += _PROPERTY
    values = _list(schema.get("enum"))
    if values:
        prompt.overhead += _ENUM + _ENUM_ITEM * len(values)
        prompt.texts += [str(value) for value in values]
    prompt.texts.append(f"{name}:{schema.get('type', '')}:{_sentence(schema)}")


def _encoded(value: Any) -> str:
    """What orjson cannot write (a number of more than 64 bits) is close enough as Python writes it."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return repr(value)


def _sentence(described: Mapping[str, Any]) -> str:
    text = described.get("description")
    return text.removesuffix(".") if isinstance(text, str) else ""
