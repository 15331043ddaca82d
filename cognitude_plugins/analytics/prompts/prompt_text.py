"""The text of a call's prompt, of each API, and what of it stands at the beginning of every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_INSTRUCTING: Final = frozenset({"system", "developer"})
_FIELDS: Final = {
    "chat": (None, "messages"),
    "completions": (None, "prompt"),
    "embeddings": (None, "input"),
    "responses": ("instructions", "input"),
    "messages": ("system", "messages"),
}
"""Of each API where its instructions stand, if they have a field of their own, and what is asked."""


@dataclass(slots=True)
class Prompt:
    """``instructions`` are the texts that come first, ``rest`` those after them. ``only_text`` is False where there is
    something else in it: images, tokens, calls of tools.
    """

    instructions: list[str]
    rest: list[str]
    tools: Any = None
    only_text: bool = True

    def text(self) -> str:
        return "\n".join([*self.instructions, *self.rest])


def prompt_of(api: str, body: Mapping[str, Any]) -> Prompt | None:
    """None where there is nothing to answer. Never raises, whatever is in the body."""
    fields = _FIELDS.get(api)
    if fields is None:
        return None
    own, name = fields
    asked = body.get(name)
    if not isinstance(asked, (str, list)) or not asked:
        return None
    prompt = Prompt([], [], body.get("tools") or body.get("functions"))
    if own is not None and (instructions := body.get(own)):
        _add(instructions, prompt.instructions, prompt)
    if isinstance(asked, str):
        prompt.rest.append(asked)
        return prompt
    first = True
    for one in asked:
        if type(one) is str:
            prompt.rest.append(one)
        elif isinstance(one, dict):
            role = one.get("role")
            first = first and type(role) is str and role in _INSTRUCTING
            texts, content = prompt.instructions if first else prompt.rest, one.get("content")
            if type(content) is str:
                texts.append(content)
            else:
                _add(content, texts, prompt)
            if "tool_calls" in one or "function_call" in one:
                prompt.only_text = False
        else:
            prompt.only_text = False
    return prompt


def _add(content: Any, texts: list[str], prompt: Prompt) -> None:
    if type(content) is str:
        texts.append(content)
    elif isinstance(content, list):
        for part in content:
            text = part.get("text") if isinstance(part, dict) else part
            if type(text) is str:
                texts.append(text)
            else:
                prompt.only_text = False
    else:
        prompt.only_text = False
