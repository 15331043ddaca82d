"""Tags of a call, from a request header: ``team=search, feature=summary``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_MOST: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_VALUE: Final = re.compile(r"[\x21-\x2b\x2d-\x7e][\x20-\x2b\x2d-\x7e]{0,127}\Z")


def parse_tags(text: str) -> Mapping[str, str]:
    """Up to 16 ``name=value`` pairs separated by commas. Raises ``ValueError`` that says which rule is broken."""
    tags: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not _NAME.match(name):
            raise ValueError("a tag is name=value, its name 1 to 64 letters, digits and . _ -")
        if not _VALUE.match(value):
            raise ValueError(f"the value of the tag {name!r} must be 1 to 128 printable ASCII characters")
        if tags.setdefault(name, value) != value:
            raise ValueError(f"the tag {name!r} is given twice")
    if len(tags) > _MOST:
        raise ValueError(f"a call has at most {_MOST} tags, not {len(tags)}")
    return tags
