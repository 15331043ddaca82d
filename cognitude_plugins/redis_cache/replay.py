"""A whole answer as the events of the stream that it would have been."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

_PIECE: Final = 24
"""Characters of a chunk of text where the chunks are paced; models write four to six a token."""
_OF_THE_ANSWER: Final = frozenset({"choices", "usage", "object"})
_OF_A_CHOICE: Final = frozenset({"index", "message", "text", "logprobs", "finish_reason"})
_CHUNK: Final = {"chat.completion": "chat.completion.chunk"}


async def replayed(body: Mapping[str, Any], *, pause: float = 0.0) -> AsyncIterator[Mapping[str, Any]]:
    """Each event; ``pause`` seconds between them, and the text then in pieces."""
    for number, event in enumerate(events(body, _PIECE if pause else 0)):
        if number and pause:
            await asyncio.sleep(pause)
        yield event


def events(body: Mapping[str, Any], piece: int = 0) -> Iterator[dict[str, Any]]:
    """Chunks of a ``chat.completion`` or ``text_completion`` which a client puts together to ``body`` again.

    Each choice: the role, the text (whole, or ``piece`` characters at a time), its other fields, each tool call, the
    reason of its end; the usage last, in an event of its own without choices, as OpenAI sends it when asked for.
    """
    head = {name: value for name, value in body.items() if name not in _OF_THE_ANSWER}
    if "object" in body:
        head["object"] = _CHUNK.get(body["object"], body["object"])
    for choice in body.get("choices") or ():
        nothing: dict[str, Any] = {"index": choice.get("index", 0), "finish_reason": None}
        if "logprobs" in choice:
            nothing["logprobs"] = None
        for part in _parts(choice, piece):
            yield {**head, "choices": [nothing | part]}
    if body.get("usage") is not None:
        yield {**head, "choices": [], "usage": body["usage"]}


def _parts(choice: Mapping[str, Any], piece: int) -> Iterator[dict[str, Any]]:
    """A stream's choices but for their index. Everything that is joined in a client is there once."""
    probabilities = {} if choice.get("logprobs") is None else {"logprobs": choice["logprobs"]}
    ending = {name: value for name, value in choice.items() if name not in _OF_A_CHOICE}
    ending["finish_reason"] = choice.get("finish_reason")
    message = choice.get("message")
    if not isinstance(message, Mapping):
        pieces = _cut(choice.get("text") or "", piece)
        for number, text in enumerate(pieces):
            yield {"text": text, **(probabilities if number == 0 else {})}
        yield {"text": "", **ending}
        return
    for number, delta in enumerate(_deltas(message, piece)):
        yield {"delta": delta, **(probabilities if number == 0 else {})}
    yield {"delta": {}, **ending}


def _deltas(message: Mapping[str, Any], piece: int) -> Iterator[dict[str, Any]]:
    """What is null comes with the role, each other field in a delta of its own."""
    nulls = {name: None for name, value in message.items() if value is None}
    yield {"role": message.get("role", "assistant"), **nulls}
    for name, value in message.items():
        if name in ("role", "tool_calls") or value is None:
            continue
        if isinstance(value, str):
            for text in _cut(value, piece):
                yield {name: text}
        else:
            yield {name: value}
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield {"tool_calls": [{"index": index, **call}]}


def _cut(text: str, piece: int) -> list[str]:
    """An empty text is one too."""
    if not piece or len(text) <= piece:
        return [text]
    return [text[at : at + piece] for at in range(0, len(text), piece)]
