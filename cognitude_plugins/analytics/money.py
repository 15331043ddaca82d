"""Nano-dollars as text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")


def usd(nano: int) -> str:
    """Exact, in dollars, with as many decimals as it takes: ``0.000123``."""
    text = f"{Decimal(nano).scaleb(-9):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def nano_usd(dollars: Decimal) -> int:
    """Rounded to whole nano-dollars."""
    return int(dollars.scaleb(9).to_integral_value(ROUND_HALF_EVEN))


def rounded(dollars: str) -> str:
    """For people: cents with a mark at thousands, and three digits of what is less than a dollar."""
    exact = Decimal(dollars)
    if abs(exact) >= 1 or not exact:
        return f"{exact.quantize(_CENT):,}"
    return f"{round(exact, 2 - exact.adjusted()):f}"
