"""What may be told of a prompt in the ledger without keeping it: numbers in which nobody can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST: Final = 2**53 - 1
"""A digest is a whole number up to this, which every JSON reader and every database has exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Digests of one call's prompt. Equal numbers of one organization mean equal prompts, in the sense of each.

    ``request`` is of everything that an answer depends on; ``shape`` of the prompt without what often changes and
    seldom matters: digits, case, spaces, punctuation. ``prefix`` is of the beginning that a provider could have cached,
    which has about ``prefix_tokens`` tokens; both are None where that is too short. Raises ``ValueError`` for a number
    that the ledger does not take.
    """

    request: int
    shape: int
    prefix: int | None = None
    prefix_tokens: int | None = None

    def __post_init__(self) -> None:
        _check("request", self.request)
        _check("shape", self.shape)
        if self.prefix is not None:
            _check("prefix", self.prefix)
        if self.prefix_tokens is not None:
            _check("prefix_tokens", self.prefix_tokens)
        if (self.prefix is None) != (self.prefix_tokens is None):
            raise ValueError("a fingerprint has both prefix and prefix_tokens, or neither")


def _check(name: str, number: object) -> None:
    if type(number) is not int or not 0 <= number <= LARGEST:
        raise ValueError(f"{name} of a fingerprint is a whole number from 0 to 2**53 - 1, not {number!r:.40}")
