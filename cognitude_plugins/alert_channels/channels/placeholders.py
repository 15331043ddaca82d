"""JSON with places to be filled in: a text that is ``{facts}`` becomes that value, one with ``{title}`` in it a text.

What is filled in is a value and never a part of the JSON itself: it cannot end a text, nor add a field.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import orjson

from hooks import Message

from .wording import headline, lines, one_line, shortened

MOST_SUMMARY: Final = 1024
MOST_PLACES: Final = 64
"""What is filled in may be long: a body with a thousand places of it would be a thousand times as long."""

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ACTIONS: Final = {"resolved": "resolve"}
SECRET: Final = "secret."

NAMES: Final = (
    "id",
    "kind",
    "action",
    "at",
    "organization",
    "severity",
    "title",
    "headline",
    "summary",
    "about",
    "text",
    "facts",
    "data",
)
"""``{action}`` is trigger or resolve, ``{summary}`` the headline in at most 1 024 characters, ``{text}`` all of it."""


def values(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.kind,
        "action": _ACTIONS.get(message.kind, "trigger"),
        "at": message.at.isoformat(),
        "organization": message.organization,
        "severity": message.severity,
        "title": one_line(message.title),
        "headline": headline(message),
        "summary": shortened(headline(message), MOST_SUMMARY),
        "about": message.about or message.id,
        "text": "\n".join(lines(message)),
        "facts": dict(message.facts),
        "data": dict(message.data),
    }


def places(template: Any) -> int:
    """How often something is filled in."""
    if isinstance(template, str):
        return sum(match.group(1) is not None for match in _PLACE.finditer(template))
    inner = template.values() if isinstance(template, Mapping) else template
    return sum(map(places, inner)) if isinstance(inner, Iterable) else 0


def check(template: Any, secrets: Collection[str], where: str = "body") -> None:
    """Raises ``ValueError`` for a place that nothing would be filled into."""
    if isinstance(template, str):
        for match in _PLACE.finditer(template):
            name, token = match.group(1), match.group()
            if token in ("{{", "}}") or name in NAMES:
                continue
            if name is None:
                raise ValueError(f"{where}: a brace is written twice where it is to stand for itself")
            if not name.startswith(SECRET):
                raise ValueError(f"{where}: there is no {{{name[:40]}}}; there are {', '.join(NAMES)} and secret.NAME")
            if name.removeprefix(SECRET) not in secrets:
                raise ValueError(f"{where}: there is no {name.removeprefix(SECRET)[:40]!r} in secrets")
    elif isinstance(template, Mapping):
        for key, one in template.items():
            check(one, secrets, f"{where}.{key}")
    elif isinstance(template, (list, tuple)):
        for index, one in enumerate(template):
            check(one, secrets, f"{where}.{index}")


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        if whole is not None and whole.group(1) is not None:
            return values[whole.group(1)]
        return _PLACE.sub(lambda match: _shown(match, values), template)
    if isinstance(template, Mapping):
        return {key: filled(one, values) for key, one in template.items()}
    return [filled(one, values) for one in template] if isinstance(template, (list, tuple)) else template


def _shown(match: re.Match[str], values: Mapping[str, Any]) -> str:
    name = match.group(1)
    if name is None:
        return match.group()[0]
    value = values[name]
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
