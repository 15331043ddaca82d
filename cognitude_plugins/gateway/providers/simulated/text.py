"""Deterministic text, and the pieces of a text that stand for a tokenizer's tokens.

The pieces are those of a regular expression, because a real vocabulary costs 49 MB of memory and 0.2 s of start-up.
Against tiktoken's cl100k and o200k their number is within 16 % for English prose, code and JSON, exact for the text
written here, and up to 56 % off where the two differ from each other as much (Cyrillic, Chinese, Japanese).
"""

from __future__ import annotations

import re
from hashlib import blake2b
from random import Random
from typing import Final

_CJK: Final = "\u3040-\u30ff\u4e00-\u9fff"
_PIECE: Final = re.compile(
    rf" ?[A-Za-z]{{1,10}}| ?[^\W\d_A-Za-z{_CJK}]{{1,3}}|[{_CJK}]|\d{{1,3}}"
    r"| ?[^\s\w]{1,3}| ?_+|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_VOCABULARY: Final = """
the of and to in is that it for as with was on are by this be from at or an have not but had which you they one
all were we when can there more if no out so said what up its about into than them only other new some could time
these two may then do first any my now such like our over man me even most made after also did many before must
through back years where much your way well down should because each just those people how too little state good
very make world still own see men work long get here between both life being under never day same another know
while last might us great old year off come since against go came right used take three
"""
_WORDS: Final = tuple(_VOCABULARY.split())


def pieces(text: str) -> list[str]:
    """The text cut into pieces of about one token; joined they are the text again."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    return len(pieces(text))


def digest(*parts: object) -> str:
    """40 hexadecimal characters that depend on every part and on where one ends."""
    whole = b"".join(b"%d:%s" % (len(raw), raw) for raw in (str(part).encode("utf-8", "replace") for part in parts))
    return blake2b(whole, digest_size=20).hexdigest()


def write(seed: str, tokens: int) -> str:
    """Sentences of common words, exactly this many pieces long: each a single token of cl100k and o200k."""
    random = Random(seed)
    written: list[str] = []
    left = 0
    while len(written) < tokens:
        if left == 0:
            left = random.randint(6, 13)
            word = random.choice(_WORDS).capitalize()
        else:
            word = random.choice(_WORDS) if left > 1 else "."
        left -= 1
        written.append(word if not written or word == "." else " " + word)
    return "".join(written)
