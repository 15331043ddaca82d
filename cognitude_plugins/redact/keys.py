"""API keys and tokens by the prefixes their issuers gave them, JSON web tokens, and private keys in PEM blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .span import Span


def _key(prefix: str, rest: str) -> tuple[str, re.Pattern[str]]:
    """The prefix, not inside a word (the letter of an escaped line break is none), and the rest of the key.

    The prefix comes first in the expression, for literals are searched fastest; ``rest`` is possessive, so a place
    where it fails costs no more than the shortest key.
    """
    literal = re.escape(prefix)
    alone = rf"(?:(?<![A-Za-z0-9]{literal})|(?<=\\[nrtbf]{literal}))"
    return prefix, re.compile(literal + alone + rest)


_KEYS: Final = (
    _key("sk-", r"[A-Za-z0-9_-]{20,}+"),  # OpenAI, Anthropic (sk-ant-), OpenRouter, DeepSeek and many others
    _key("cog_", r"[A-Za-z0-9_-]{40,}+"),  # Cognitude
    _key("sk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),  # Stripe
    _key("rk_", r"(?:live|test)_[A-Za-z0-9]{16,}+"),
    _key("whsec_", r"[A-Za-z0-9+/=]{20,}+"),
    *(_key(prefix, r"[A-Z0-9]{16,}+") for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),  # AWS
    *(_key(prefix, r"[A-Za-z0-9_]{30,}+") for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")),
    *(_key(f"xox{kind}-", r"[A-Za-z0-9-]{10,}+") for kind in "abeoprs"),  # Slack
    _key("xapp-", r"[A-Za-z0-9-]{10,}+"),
    _key("AIza", r"[A-Za-z0-9_-]{35,}+"),  # Google
    _key("GOCSPX-", r"[A-Za-z0-9_-]{20,}+"),
    _key("ya29.", r"[A-Za-z0-9_-]{20,}+"),
    _key("glpat-", r"[A-Za-z0-9_.-]{20,}+"),  # GitLab
    _key("hf_", r"[A-Za-z0-9]{30,}+"),  # Hugging Face
    _key("npm_", r"[A-Za-z0-9]{36,}+"),
    _key("pypi-", r"[A-Za-z0-9_-]{50,}+"),
    _key("SG.", r"[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"),  # SendGrid
    *(_key(prefix, r"[A-Za-z0-9]{20,}+") for prefix in ("gsk_", "xai-", "pplx-", "r8_")),  # Groq, xAI, Perplexity, …
)
_BY_LAST: Final = tuple(
    (last, tuple(key for key in _KEYS if key[0][-1] == last)) for last in sorted({prefix[-1] for prefix, _ in _KEYS})
)
"""The keys by the last character of their prefix: most texts lack most of these, which takes next to no time to see."""
_DOTTED: Final = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]++)++")
_PEM: Final = re.compile(
    r"-----BEGIN[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-]|-(?!----))*+-----END[A-Z0-9 ]{0,60}-----|[A-Za-z0-9+/=\s\\]*+)"
)


def keys(text: str) -> Iterator[Span]:
    """Keys by prefix, tokens, and private keys; of a block that was cut off, what still looks like base64."""
    for prefix, pattern in (key for last, group in _BY_LAST if last in text for key in group):
        if prefix in text:
            yield from (Span(*found.span(), "KEY") for found in pattern.finditer(text))
    if "eyJ" in text:
        yield from _tokens(text)
    if "PRIVATE KEY" in text:
        yield from (Span(*found.span(), "KEY") for found in _PEM.finditer(text))


def _tokens(text: str) -> Iterator[Span]:
    """JSON web tokens: dotted base64 that begins with an encoded ``{"``.

    Words joined by dots are looked at once each, from their beginning; a token may begin inside one.
    """
    for words in _DOTTED.finditer(text):
        start = text.find("eyJ", words.start(), words.end())
        dot = text.find(".", start, words.end()) if start >= 0 else -1
        if dot - start >= 10 and words.end() - dot > 10:
            yield Span(start, words.end(), "KEY")
