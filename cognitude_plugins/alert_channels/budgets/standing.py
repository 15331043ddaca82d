"""How far a budget is in its present period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from .owned import Share
from .period import Period
from .settings import Threshold

State = Literal["ok", "warned", "exceeded", "unknown", "disabled"]

_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Nano-dollars. ``spent`` is None where the ledger cannot say, and then ``why`` it cannot."""

    share: Share
    zone: str
    period: Period
    spent: int | None
    why: str = ""
    forecast: int | None = None
    exhausted_on: date | None = None

    @property
    def amount(self) -> int:
        return self.share.budget.nano_usd

    @property
    def left(self) -> int | None:
        return None if self.spent is None else max(0, self.amount - self.spent)

    @property
    def percent(self) -> Decimal | None:
        """To the tenth; never 100 or a threshold that was not reached."""
        if self.spent is None:
            return None
        exact = Decimal(100 * self.spent) / self.amount
        near = exact.quantize(_TENTH, ROUND_HALF_EVEN)
        return near if near <= exact else near - _TENTH

    @property
    def crossed(self) -> tuple[Threshold, ...]:
        """The lowest first."""
        spent = self.spent
        if spent is None:
            return ()
        return tuple(one for one in self.share.budget.thresholds if 100 * spent >= one.percent * self.amount)

    @property
    def exceeded(self) -> bool:
        return self.spent is not None and self.spent >= self.amount

    @property
    def state(self) -> State:
        if not self.share.budget.enabled:
            return "disabled"
        if self.spent is None:
            return "unknown"
        return "exceeded" if self.exceeded else "warned" if self.crossed else "ok"
