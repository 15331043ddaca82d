"""When a job is due: counted from 1970, or by a crontab line in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from hooks import Job

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(microseconds=1)
_MS: Final = timedelta(milliseconds=1)
_MOST_COUNTED: Final = 1000
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Timetable(Protocol):
    def after(self, moment: datetime) -> datetime | None:
        """The first time that is later; None if there is none."""
        ...

    def last(self, moment: datetime, within: timedelta) -> datetime | None:
        """The last time that is not later, and not longer ago than ``within``; None if there is none."""
        ...

    def between(self, start: datetime, end: datetime) -> int:
        """How many times there are after ``start`` and before ``end``; of a crontab line a thousand at most."""
        ...


def timetable(job: Job) -> Timetable:
    """Raises ``ValueError`` for a crontab line or a time zone that is none, and names the job."""
    if job.every is not None:
        return _Every(_MS * max(1, round(job.every / _MS)))
    assert job.cron is not None
    try:
        trigger, each_hour = _trigger(job.cron, job.zone)
    except (ValueError, KeyError, OSError) as error:
        told = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        raise ValueError(f"job {job.name!r}: {job.cron!r} in the zone {job.zone!r} is no time table: {told}") from None
    return _Cron(trigger, each_hour)


@dataclass(frozen=True, slots=True)
class _Every:
    """``width`` in whole milliseconds, which is what ticks are kept in."""

    width: timedelta

    def after(self, moment: datetime) -> datetime:
        return self._floor(moment) + self.width

    def last(self, moment: datetime, within: timedelta) -> datetime | None:
        found = self._floor(moment)
        return found if moment - found <= within else None

    def between(self, start: datetime, end: datetime) -> int:
        return max(0, (end - _MS - _EPOCH) // self.width - (start - _EPOCH) // self.width)

    def _floor(self, moment: datetime) -> datetime:
        return _EPOCH + (moment - _EPOCH) // self.width * self.width


@dataclass(frozen=True, slots=True)
class _Cron:
    """As Vixie's cron has it over a change of the clock: a time that is left out is made good for right after; one that
    comes twice counts once, unless the line is for each hour.
    """

    trigger: CronTrigger
    each_hour: bool

    def after(self, moment: datetime) -> datetime | None:
        found: Any = self.trigger.get_next_fire_time(None, moment + _STEP)
        while found is not None and found.fold and not self.each_hour:
            found = self.trigger.get_next_fire_time(None, found.astimezone(UTC) + _STEP)
        return None if found is None else found.astimezone(UTC)

    def last(self, moment: datetime, within: timedelta) -> datetime | None:
        """Looked for in longer and longer stretches, so that one of every minute is not counted through a week."""
        stretch = timedelta(minutes=2)
        while True:
            found = self._latest(moment - min(stretch, within), moment)
            if found is not None or stretch >= within:
                return found
            stretch *= 8

    def between(self, start: datetime, end: datetime) -> int:
        count, due = 0, self.after(start)
        while due is not None and due < end and count < _MOST_COUNTED:
            count, due = count + 1, self.after(due)
        return count

    def _latest(self, start: datetime, end: datetime) -> datetime | None:
        found, due = None, self.after(start - _STEP)
        while due is not None and due <= end:
            found, due = due, self.after(due)
        return found


def _trigger(line: str, zone: str) -> tuple[CronTrigger, bool]:
    """And whether the line is for each hour. The library is loaded for jobs that have a line."""
    from apscheduler.triggers.cron import CronTrigger

    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields, and a line has 5: minute, hour, day, month, day of the week")
    if fields[2] != "*" and fields[4] != "*":
        raise ValueError("it names days of the month and of the week, of which crontab takes either: make it two jobs")
    fields[4] = ",".join(map(_weekdays, fields[4].split(",")))
    return CronTrigger.from_crontab(" ".join(fields), timezone=ZoneInfo(zone)), fields[1].startswith("*")


def _weekdays(part: str) -> str:
    """Numbers as names: crontab's 0 and 7 are Sunday, the library's 0 is Monday."""
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*" and step:
        first, dash, last = "0", "-", "6"
    if not first.isdigit() or (dash and not last.isdigit()):
        return part
    days = range(int(first), int(last if dash else first) + 1, int(step or 1))
    if not days or days[-1] > 7:
        raise ValueError(f"{part!r} is no day of the week: 0 to 7, or mon to sun")
    return ",".join(dict.fromkeys(_DAYS[day] for day in days))
