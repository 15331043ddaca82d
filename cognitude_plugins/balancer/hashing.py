"""Where a caller belongs, computed from names alone: the same in every process and on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log
from typing import Final

from hooks import Caller, Deployment

_SPAN: Final = 2**64


def place_of(*names: str) -> float:
    """Evenly spread over [0, 1); no two lists of names are taken for the same."""
    return _number(blake2b("\0".join(names).encode(errors="surrogatepass"), digest_size=8)) / _SPAN


def rendezvous(key: str, among: Sequence[Deployment], weight_of: Callable[[Deployment], float]) -> Sequence[Deployment]:
    """In the order of weighted rendezvous hashing (Schindelhauer and Schomaker 2005): by weight / -ln(hash).

    Without one of them the others keep their order, so that only its own keys move.
    """
    base = blake2b(key.encode(errors="surrogatepass"), digest_size=8)
    scored = []
    for index, deployment in enumerate(among):
        mixed = base.copy()
        mixed.update(b"\0" + deployment.id.encode())
        score = -log((_number(mixed) + 0.5) / _SPAN) / weight_of(deployment)
        scored.append((score, index))
    scored.sort()
    return [among[index] for _, index in scored]


def user_of(caller: Caller) -> str:
    """A call without a user is its key's."""
    return f"u:{caller.user}" if caller.user else key_of(caller)


def key_of(caller: Caller) -> str:
    return f"k:{caller.key}"


def _number(digest: blake2b) -> int:
    return int.from_bytes(digest.digest())
