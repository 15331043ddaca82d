"""A message as the outbox keeps it: JSON, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from hooks import Message, Part


def packed(message: Message) -> str:
    """Without its id, which is the row's."""
    return orjson.dumps(_plain(message), option=orjson.OPT_NON_STR_KEYS, default=str).decode()


def unpacked(id: str, text: str) -> Message:
    values: dict[str, Any] = orjson.loads(text)
    values["at"] = datetime.fromisoformat(values["at"])
    values["facts"] = tuple((name, value) for name, value in values["facts"])
    values["parts"] = tuple(_part(one) for one in values["parts"])
    return Message(id=id, **values)


def _plain(message: Message) -> dict[str, Any]:
    return {
        "kind": message.kind,
        "at": message.at.isoformat(),
        "organization": message.organization,
        "title": message.title,
        "severity": message.severity,
        "about": message.about,
        "text": message.text,
        "facts": message.facts,
        "parts": [
            {"heading": one.heading, "columns": one.columns, "rows": one.rows, "text": one.text}
            for one in message.parts
        ],
        "data": dict(message.data),
    }


def _part(values: dict[str, Any]) -> Part:
    return Part(
        heading=values["heading"],
        columns=tuple(values["columns"]),
        rows=tuple(tuple(row) for row in values["rows"]),
        text=values["text"],
    )
