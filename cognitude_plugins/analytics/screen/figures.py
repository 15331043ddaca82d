"""Numbers as people read them: short, with their unit, the same everywhere."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from ..money import usd

UNKNOWN: Final = "-"
_NANO: Final = 9
_PREFIXES: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_EXACT_BELOW: Final = 100_000


def count(number: float) -> str:
    """``12,345``, from 100 000 on ``123 k``; of parts of one, a decimal."""
    if abs(number) < _EXACT_BELOW:
        return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"
    scale, prefix = next(one for one in _PREFIXES if abs(number) >= one[0])
    return f"{number / scale:.3g} {prefix}" if abs(number) < 999.5 * scale else f"{number / scale:,.0f} {prefix}"


def share(part: float | None) -> str:
    """In percent; what is more than nothing is never shown as 0."""
    if part is None:
        return UNKNOWN
    return "<0.1 %" if 0 < part < 0.0005 else f"{part * 100:.1f} %"


def change(now: float, before: float) -> str:
    """In percent of before, with its sign; ``new`` where there was nothing."""
    if not before:
        return UNKNOWN if not now else "new"
    return f"{(now - before) / before * 100:+,.0f} %"


def seconds(value: float | None) -> str:
    """``0.8 ms``, ``812 ms``, ``1.24 s``, ``12.4 s``, ``124 s``."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0 s"
    if value < 0.9995:
        return f"{value * 1000:.1f} ms" if value < 0.00995 else f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s" if value < 99.95 else f"{value:,.0f} s"


def span(seconds: float) -> str:
    """How long: the two greatest units, ``3 d 4 h``, ``12 min 5 s``, ``7 s``."""
    left = max(int(seconds), 0)
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        amount, left = divmod(left, size)
        parts.append((amount, unit))
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    greatest, *next_one = parts[first : first + 2]
    return " ".join(f"{amount} {unit}" for amount, unit in (greatest, *(one for one in next_one if one[0])))


def exact_usd(nano: int) -> str:
    """A sum of money as it is, to the last of its digits: ``12.3456 USD``."""
    return f"{usd(nano)} USD"


def about_usd(nano: int) -> str:
    """To the cent from 1 USD on, else to two digits: ``$1,234.56``, ``$0.0012``."""
    amount = Decimal(nano).scaleb(-_NANO)
    if not amount:
        return "$0"
    places = Decimal("0.01") if abs(amount) >= 1 else Decimal(1).scaleb(max(amount.adjusted() - 1, -_NANO))
    return f"{'-' if amount < 0 else ''}${abs(amount.quantize(places, ROUND_HALF_EVEN)):,f}"
