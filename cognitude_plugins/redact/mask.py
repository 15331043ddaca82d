"""A request body with what was found in it replaced by placeholders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .span import Detector, Span, merged
from .texts import rewritten
from .vault import Vault, lookalikes

_TOOLS: Final = frozenset({"tools", "functions"})
_PROTOCOL: Final = frozenset(
    {
        "arguments",
        "assistant",
        "content",
        "description",
        "developer",
        "file",
        "function",
        "id",
        "image_url",
        "input",
        "input_text",
        "messages",
        "metadata",
        "name",
        "parameters",
        "properties",
        "prompt",
        "response_format",
        "role",
        "strict",
        "string",
        "system",
        "text",
        "tool",
        "tool_call_id",
        "tool_calls",
        "tool_choice",
        "type",
        "url",
        "user",
    }
)
"""Words every request is made of: not looked into, and not replaced should somebody's pattern match them."""


def mask(body: Mapping[str, Any], detectors: Sequence[Detector], *, tools: bool = True) -> tuple[dict[str, Any], Vault]:
    """The body as it may go out, and the vault that says what the placeholders stand for; an empty one: no change.

    Everything is looked into but the model's name and top-level numbers (a seed is as long as a card number), and the
    definitions of tools only with ``tools``. Equal bodies give equal results.
    """
    finding = _Finding(detectors)
    for name, value in body.items():
        if _goes_unseen(name, value, tools):
            rewritten(value, finding.look_for_lookalikes)
        else:
            rewritten({name: value}, finding.look)
    vault = Vault(finding.lookalikes)
    if not finding.spans:
        return dict(body), vault

    def replace(text: str) -> str:
        return replaced(text, finding.spans.get(text, ()), vault)

    changed = {}
    for name, value in body.items():
        changed[name] = value if _goes_unseen(name, value, tools) else rewritten({name: value}, replace)[name]
    return changed, vault


def replaced(text: str, spans: Sequence[Span], vault: Vault) -> str:
    """The text with its spans, in order and apart from each other, replaced by placeholders."""
    if not spans:
        return text
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += (text[end : span.start], vault.placeholder(span.kind, text[span.start : span.end]))
        end = span.end
    parts.append(text[end:])
    return "".join(parts)


class _Finding:
    """What a first walk through the body finds: spans by text, and texts shaped like placeholders."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors
        self.spans: dict[str, list[Span]] = {}
        self.lookalikes: set[str] = set()

    def look(self, text: str) -> str:
        if text not in _PROTOCOL and text not in self.spans:
            self.look_for_lookalikes(text)
            spans = merged(span for detector in self._detectors for span in detector(text))
            if spans:
                self.spans[text] = spans
        return text

    def look_for_lookalikes(self, text: str) -> str:
        self.lookalikes.update(lookalikes(text))
        return text


def _goes_unseen(name: str, value: Any, tools: bool) -> bool:
    return name == "model" or isinstance(value, (int, float)) or (name in _TOOLS and not tools)
