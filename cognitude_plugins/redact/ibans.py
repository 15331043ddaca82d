"""International bank account numbers, by their country's length and their check digits (ISO 13616)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Final

from .span import Span

_START: Final = re.compile(r"[A-Za-z]{2}(?<![A-Za-z0-9][A-Za-z]{2})[0-9]{2}")
_REST: Final = re.compile(r"(?:[ \u00a0-]?[A-Za-z0-9]){10,32}+")
_CLOSED: Final = str.maketrans("", "", " \u00a0-")
_AS_DIGITS: Final = str.maketrans({letter: str(int(letter, 36)) for letter in ascii_uppercase})
_BY_LENGTH: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_LENGTHS: Final = {country: length for length, countries in _BY_LENGTH.items() for country in countries.split()}


def ibans(text: str) -> Iterator[Span]:
    """Account numbers, whole or in groups, of the countries in SWIFT's registry of 2025."""
    for found in _START.finditer(text):
        length = _LENGTHS.get(found.group()[:2].upper())
        rest = _REST.match(text, found.end()) if length else None
        if length and rest:
            behind = rest.group().translate(_CLOSED)[: length - 4]
            if len(behind) == length - 4 and _checks(behind + found.group()):
                yield Span(found.start(), found.end() + _stretch(rest.group(), length - 4), "IBAN")


def _stretch(text: str, count: int) -> int:
    """How far the first ``count`` letters and digits reach."""
    return [place for place, char in enumerate(text) if char.isalnum()][count - 1] + 1


def _checks(turned: str) -> bool:
    """Whether the check digits of a number whose first four characters were put last are right."""
    return int(turned.upper().translate(_AS_DIGITS)) % 97 == 1
