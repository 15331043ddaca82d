"""OpenAI's tokenizers without the network: the vocabularies that LiteLLM ships, read as files."""

from __future__ import annotations

import base64
import importlib.util
import re
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tiktoken import Encoding

O200K: Final = "o200k_base"
CL100K: Final = "cl100k_base"

_FILES: Final = {
    O200K: "fb374d419588a4632f3f557e76b4b70aebbca790",
    CL100K: "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}
"""Named by the SHA-1 of the address they come from, as tiktoken's cache has them."""

_O200K_WORD_END: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERNS: Final = {
    O200K: "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _O200K_WORD_END,
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _O200K_WORD_END,
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
    CL100K: (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
        r"|\s*[\r\n]|\s+(?!\S)|\s"
    ),
}
"""How text is cut before it is looked up (``tiktoken_ext.openai_public``); a test compares them."""

_OLDER: Final = re.compile(r"gpt-4(?![o.])|gpt-3|gpt-35|text-embedding-|davinci|babbage|curie|ada\b")

_LOADING: Final = Lock()


def encoding_name(model: str) -> str:
    """``cl100k_base`` for OpenAI's models before gpt-4o and its embeddings, else ``o200k_base``.

    For other makers' models, whose vocabularies are their own, that is an estimate.
    """
    return CL100K if _OLDER.match(model.rpartition("/")[2].removeprefix("ft:")) else O200K


def encoding(name: str) -> Encoding | None:
    """Loaded on first use (0.2 to 0.4 s and some 50 MB each: not on the event loop), by one thread while others wait.

    None when tiktoken or the vocabulary is not installed. Neither the environment nor a temporary folder is touched.
    """
    with _LOADING:
        return _load(name)


@cache
def _load(name: str) -> Encoding | None:
    try:
        from tiktoken import Encoding

        ranks = _ranks(vocabularies() / _FILES[name])
    except (ImportError, OSError, ValueError):
        return None
    return Encoding(name=f"cognitude_{name}", pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})


def vocabularies() -> Path:
    """The folder of LiteLLM's vocabularies, found without importing LiteLLM. Raises ``ImportError`` without LiteLLM."""
    spec = importlib.util.find_spec("litellm")
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        raise ImportError("litellm is not installed")
    return Path(next(iter(folders))) / "litellm_core_utils" / "tokenizers"


def _ranks(path: Path) -> dict[bytes, int]:
    """Raises ``ValueError`` for a file that is not lines of base64 and a number."""
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}
