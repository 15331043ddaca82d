"""When summaries are sent."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}") from None
    return name


class Summaries(BaseModel):
    """By the clock of each organization's time zone. Channels say which they want."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily: Annotated[str, Field(pattern=f"^{_CLOCK}$")] | None = Field(
        default="08:00", description="When the one of the day before is sent; null for never."
    )
    weekly: Annotated[str, Field(pattern=f"^({'|'.join(DAYS)}) {_CLOCK}$")] | None = Field(
        default="mon 08:00",
        description="Day and time at which the one of the seven days before is sent; null for never.",
    )
    empty: bool = Field(default=False, description="Send it where there were no calls, too.")
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of the gateway's own channels, which get one of all organizations."
    )

    @property
    def daily_clock(self) -> time | None:
        return None if self.daily is None else time.fromisoformat(self.daily)

    @property
    def weekly_clock(self) -> tuple[int, time] | None:
        """The day of the week, from Monday 0, and the time."""
        if self.weekly is None:
            return None
        day, clock = self.weekly.split()
        return DAYS.index(day), time.fromisoformat(clock)
