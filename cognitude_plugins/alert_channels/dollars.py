"""Nano-dollars as text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")


def exact_usd(nano: int) -> str:
    """In dollars, with as many decimals as it takes: ``0.000123``."""
    text = f"{Decimal(nano).scaleb(-9):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def about_usd(nano: int) -> str:
    """For people: ``$1,234.50``, and three digits of what is less than a cent."""
    dollars = Decimal(abs(nano)).scaleb(-9)
    sign = "-" if nano < 0 else ""
    if dollars >= _CENT or not dollars:
        return f"{sign}${dollars.quantize(_CENT, ROUND_HALF_EVEN):,}"
    return f"{sign}${round(dollars, 2 - dollars.adjusted()):f}"


def nano_usd(dollars: float) -> int:
    return round(Decimal(repr(dollars)).scaleb(9))
