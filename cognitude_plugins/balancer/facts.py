"""The facts of a call that a condition reads, made only as far as it reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hooks import Call


class Facts:
    """``now`` gives the time with its zone, ``zone`` the IANA name of an organization's."""

    def __init__(self, *, tags_header: str, now: Callable[[], datetime], zone: Callable[[str], str]) -> None:
        self._tags_header = tags_header
        self._now = now
        self._zone = zone

    def of(self, call: Call, names: Iterable[str]) -> dict[str, Any]:
        return {name: getattr(self, f"_{name}_of")(call) for name in names}

    def _call_of(self, call: Call) -> Mapping[str, Any]:
        return {"model": call.model, "api": call.api, "stream": call.stream}

    def _caller_of(self, call: Call) -> Mapping[str, Any]:
        caller = call.caller
        return {
            "organization": caller.organization,
            "key": caller.key,
            "user": caller.user or "",
            "role": caller.role,
        }

    def _time_of(self, call: Call) -> Mapping[str, Any]:
        here = self._now().astimezone(ZoneInfo(self._zone(call.caller.organization)))
        return {
            "hour": here.hour,
            "minute": here.minute,
            "weekday": here.isoweekday(),
            "date": here.date().isoformat(),
        }

    def _tags_of(self, call: Call) -> Mapping[str, str]:
        """As the gateway has them, which has refused a header that is none."""
        pairs = (part.partition("=") for part in call.headers.get(self._tags_header, "").split(","))
        return {name.strip(): value.strip() for name, equals, value in pairs if equals}

    def _headers_of(self, call: Call) -> Mapping[str, str]:
        return dict(call.headers)
