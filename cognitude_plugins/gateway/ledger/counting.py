"""Tokens that no provider reported, counted here: offline, in bounded time, and marked as counted by whoever uses it.

Exact for OpenAI's models up to what a provider adds unseen; for other makers' an estimate with OpenAI's vocabulary.
The first count loads a vocabulary (`prepare`, in a thread). After that a call takes about 1.5 µs per text and 40 µs per
1 000 characters, 25 to 45 ms at most; tiktoken gives up the interpreter's lock meanwhile, so other threads run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .encodings import CL100K, O200K, encoding, encoding_name
from .estimate import estimated_tokens
from .prompt_texts import prompt_of
from .written import written

EXACT_CHARACTERS: Final = 65_536
"""Counted exactly up to here; of longer text so much, taken evenly from all of it, and scaled up.

Random letters without a space are the slowest there is, about 0.35 µs each.
"""

_EXACT_TEXTS: Final = 16_384
"""Texts counted exactly; of more, so many taken evenly from all of them, and scaled up. Each costs about 1 µs."""

_SLICES: Final = 64
_PER_FUNCTION: Final = {O200K: 7, CL100K: 10}


def prepare() -> None:
    """Loads the vocabularies, if they are there; half a second."""
    for name in (O200K, CL100K):
        encoding(name)


def prompt_tokens(api: str, body: Mapping[str, Any], model: str) -> int:
    """Tokens of a request's prompt: texts, tools, names and the overhead of each message; an image counts 765.

    ``api`` is `Call.api`. Prompts that are token numbers already count by their length.
    """
    name = encoding_name(model)
    prompt = prompt_of(api, body, per_function=_PER_FUNCTION[name])
    return round((_count(prompt.texts, name) + prompt.overhead) * prompt.scale)


def completion_tokens(text: str, model: str) -> int:
    """Tokens of a text that the model wrote; 0 for none."""
    return _count([text], encoding_name(model)) if text else 0


def texts_tokens(texts: Iterable[str], model: str) -> int:
    """Tokens of several texts, none running into the next."""
    return _count(list(texts), encoding_name(model))


def answer_tokens(body: Any, model: str) -> int:
    """Tokens of a whole answer, all of its choices; 0 for one in which nothing is written, such as embeddings."""
    return texts_tokens(written([body]), model)


def _count(texts: Sequence[str], name: str) -> int:
    joined = "".join(texts)
    size = len(joined)
    if size <= EXACT_CHARACTERS:
        some = [text for text in texts if text]
        # Of so many pieces each has four characters at most: some of them tell what they are like.
        some = some[:: max(1, -(-len(some) // _EXACT_TEXTS))]
        return round(_counted(some, name) * size / max(sum(map(len, some)), 1))
    length = EXACT_CHARACTERS // _SLICES
    starts = ((size - length) * index // (_SLICES - 1) for index in range(_SLICES))
    return round(_counted([joined[at : at + length] for at in starts], name) * size / EXACT_CHARACTERS)


def _counted(texts: Sequence[str], name: str) -> int:
    found = encoding(name)
    if found is None:
        return sum(map(estimated_tokens, texts))
    return sum(len(found.encode_ordinary(text)) for text in texts)
