"""Tokens of a text without its vocabulary: a linear estimate over the kinds of its bytes."""

from __future__ import annotations

import string
from typing import Final

_CLASSES: Final = (
    (string.ascii_letters.encode(), 203),
    (b" ", 148),
    (string.digits.encode(), 600),
    (string.punctuation.encode(), 602),
    (b"\r\n\t", 20),
    (bytes(range(0xC2, 0xE0)), 363),
    (bytes(range(0xE0, 0xF0)), 808),
    (bytes(range(0xF0, 0xF5)), 2000),
)
"""Bytes and the thousandths of a token each adds; of what is not ASCII, first bytes of two, three and four.

Least squares of the relative error against ``o200k_base`` over 414 pieces of documentation, code, JSON and messages in
25 languages; on the other 414 the mean error was 8 % for English, code and JSON, 10 % over all. Digits and the last two
kinds were too rare there and are set by hand.
"""


def estimated_tokens(text: str) -> int:
    """About 6 µs per 1 000 characters. At least 1 for a text that is not empty."""
    raw = text.encode("utf-8", "replace")
    if not raw:
        return 0
    size = len(raw)
    thousandths = sum((size - len(raw.translate(None, kind))) * weight for kind, weight in _CLASSES)
    return max(1, round(thousandths / 1000))
