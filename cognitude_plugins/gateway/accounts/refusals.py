"""Why something is not done to an account, in words for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, Literal

Kind = Literal["not_found", "conflict", "forbidden", "invalid"]

STATUS: Final[Mapping[Kind, int]] = {"not_found": 404, "conflict": 409, "forbidden": 403, "invalid": 422}


class Refusal(Exception):
    """Nothing was changed. ``code`` is a stable word, ``param`` the field that is wrong, if it is one."""

    def __init__(self, kind: Kind, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.kind: Final[Kind] = kind
        self.message: Final = message
        self.code: Final = code
        self.param: Final = param


def not_found(what: str, id: str) -> Refusal:
    """The same for what does not exist and for what belongs to another organization."""
    return Refusal("not_found", f"There is no {what} {id[:200]!r}.", code="not_found")


def invalid(param: str, message: str) -> Refusal:
    return Refusal("invalid", message, code="invalid_value", param=param)


def wider(param: str, message: str) -> Refusal:
    """What would give more than the key has with which it was asked for."""
    return Refusal("forbidden", message, code="wider_than_own_key", param=param)


def nearest(name: str, known: list[str]) -> str | None:
    """The known name closest to this one, for who mistyped it."""
    close = get_close_matches(name, known, n=1)
    return close[0] if close else None
