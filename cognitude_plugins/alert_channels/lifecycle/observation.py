"""What an evaluation found of one rule and one subject: all that the lifecycle knows of rules and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hooks import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """``broken`` is None where it is not known (no data): nothing changes then.

    ``rule`` is the rule's id (``yaml:NAME`` of one in ``plugins.yaml``, ``budget:ID:80`` of a budget's threshold),
    ``subject`` what of it (empty, or for example the window's name): together with the organization they are one
    alert. Broken for ``wait`` it fires; firing still after ``repeat`` it is told again, never with None. ``window``
    names the calendar period of a rule that can be broken once in each only (``2026-11-29``, ``2026-W48``): in it the
    alert does not open again once it was resolved by hand. ``channels`` are names; empty is every channel that hears
    it. ``resolve`` says whether it resolves by itself when it is broken no more.
    """

    organization: str
    rule: str
    name: str
    broken: bool | None
    severity: Severity
    title: str
    subject: str = ""
    value: float | None = None
    threshold: float | None = None
    wait: timedelta = timedelta(0)
    repeat: timedelta | None = None
    window: str = ""
    resolve: bool = True
    channels: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
