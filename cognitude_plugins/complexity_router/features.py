"""What a prompt looks like: named values and the buckets of its word n-grams, in one pass of bounded length."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from .grams import buckets
from .words import INTENT, MEMBER, ORDER, PHRASES

HEAD_BYTES: Final = 3_072
TAIL_BYTES: Final = 1_024
"""What is looked at of a longer text, in UTF-8: where a prompt is introduced, and where it asks."""

SHAPE: Final = (
    "characters",
    "words",
    "characters per word",
    "longest word",
    "distinct words",
    "lines",
    "sentences",
    "words per sentence",
    "questions",
    "ends with a question",
    "ends with a colon",
    "digits",
    "capitals",
    "not ascii",
    "numbers",
    "distinct numbers",
    "largest number",
    "decimals",
    "amounts of money",
    "percents",
    "equations",
    "powers",
    "latex",
    "parentheses",
    "brackets",
    "commas",
    "colons",
    "slashes",
    "hyphens",
    "quotes",
    "blanks to fill",
    "code marks",
    "names",
    "numbered statements",
    "options",
    "mean option",
    "longest option",
    "shortest option",
    "spread of options",
    "numeric options",
)
NAMES: Final = (*SHAPE, *PHRASES, *(f"words of {group}" for group in ORDER))
"""The names of `Features.values`, in their order. Counts and lengths are log(1 + n); shares are 0 to 1."""
POSITION: Final = {name: index for index, name in enumerate(NAMES)}

_TOKEN: Final = re.compile(rb"[a-z\x80-\xff]{1,24}|[0-9]{1,12}|[^\sa-z0-9\x80-\xff]")
_OPTION: Final = re.compile(rb"\n *\(?[A-Ja-j][.):] ?([^\n]*)")
_DECIMAL: Final = re.compile(rb"[0-9]\.[0-9]")
_NAME: Final = re.compile(rb"[A-Z][a-z]{1,24}")
_EDGE: Final = 20
_UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = b"0123456789"
_HIGH: Final = bytes(range(128, 256))
_PHRASES: Final = tuple(tuple(one.encode() for one in phrases) for phrases in PHRASES.values())
_CODE: Final = (b"{", b"}", b";", b"`", b"<", b">")
_STATEMENTS: Final = (b"ii", b"iii", b"iv")
_LOG: Final = tuple(math.log1p(n) for n in range(HEAD_BYTES + TAIL_BYTES + 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """`values` go with `NAMES`; `grams` are distinct, each under `grams.BUCKETS`; `characters` is the whole length."""

    values: tuple[float, ...]
    grams: tuple[int, ...]
    characters: int

    def __getitem__(self, name: str) -> float:
        return self.values[POSITION[name]]


def describe(text: str) -> Features:
    """The same for the same text in every process. Time is bounded: of a long text the middle is left out."""
    raw = _window(text)
    low = raw.lower()
    tokens = _TOKEN.findall(low)
    counts = Counter(tokens)
    values = [*_shape(text, raw, tokens, counts), *_phrases(low), *_groups(tokens, counts)]
    return Features(values=tuple(values), grams=buckets(tokens), characters=len(text))


def _window(text: str) -> bytes:
    most = HEAD_BYTES + TAIL_BYTES
    if len(text) <= most:
        raw = text.encode("utf-8", "replace")
        return raw if len(raw) <= most else raw[:HEAD_BYTES] + raw[-TAIL_BYTES:]
    head, tail = text[:HEAD_BYTES], text[-TAIL_BYTES:]
    return head.encode("utf-8", "replace")[:HEAD_BYTES] + tail.encode("utf-8", "replace")[-TAIL_BYTES:]


def _shape(text: str, raw: bytes, tokens: list[bytes], counts: Counter[bytes]) -> list[float]:
    log, count, length = _LOG, raw.count, len(raw) or 1
    words = [one for one in counts if one >= b"a"]
    numbers = [one for one in counts if b"0" <= one < b":"]
    written = sum([counts[one] for one in words])
    sentences = count(b". ") + count(b"? ") + count(b"! ") + count(b".\n") + count(b"?\n") + 1
    end = raw.rstrip()[-1:]
    return [
        math.log1p(len(text)),
        log[written],
        sum([len(one) * counts[one] for one in words]) / (written or 1),
        float(max(map(len, words), default=0)),
        len(words) / (written or 1),
        log[count(b"\n")],
        log[sentences],
        log[written // sentences],
        log[counts[b"?"]],
        float(end == b"?"),
        float(end == b":"),
        _share(raw, _DIGITS, length),
        _share(raw, _UPPER, length),
        _share(raw, _HIGH, length),
        log[sum([counts[one] for one in numbers])],
        log[len(numbers)],
        math.log1p(max(map(int, numbers), default=0)),
        log[len(_DECIMAL.findall(raw))],
        log[counts[b"$"]],
        log[counts[b"%"] + counts[b"percent"]],
        log[counts[b"="]],
        log[counts[b"^"]],
        log[counts[b"\\"]],
        log[counts[b"("]],
        log[counts[b"["]],
        log[counts[b","]],
        log[counts[b":"]],
        log[counts[b"/"]],
        log[counts[b"-"]],
        log[counts[b'"']],
        log[counts[b"_"]],
        log[sum([counts[one] for one in _CODE])],
        log[len(set(_NAME.findall(raw)))],
        log[sum([counts[one] for one in _STATEMENTS])],
        *_options(raw),
    ]


def _share(raw: bytes, of: bytes, length: int) -> float:
    return 1 - len(raw.translate(None, of)) / length


def _options(raw: bytes) -> tuple[float, ...]:
    """How many answers are offered; of their log lengths the mean, most, least and spread; the share in numbers."""
    found = _OPTION.findall(raw)
    if len(found) < 2:
        return (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    lengths = [_LOG[len(one)] for one in found]
    mean, longest, shortest = sum(lengths) / len(lengths), max(lengths), min(lengths)
    numeric = sum([one[:1].isdigit() or one[1:2].isdigit() for one in found]) / len(found)
    return (_LOG[len(found)], mean, longest, shortest, longest - shortest, numeric)


def _phrases(low: bytes) -> list[float]:
    return [_LOG[sum([low.count(one) for one in phrases])] for phrases in _PHRASES]


def _groups(tokens: list[bytes], counts: Counter[bytes]) -> list[float]:
    sums = [0] * len(ORDER)
    for word in MEMBER.keys() & counts.keys():
        sums[MEMBER[word]] += counts[word]
    for word in INTENT.keys() & {*tokens[:_EDGE], *tokens[-_EDGE:]}:
        sums[INTENT[word]] += 1
    return [_LOG[one] for one in sums]
