"""How a limit stands for somebody, as the API, the CLI and the health report tell it."""

from __future__ import annotations

from dataclasses import dataclass

from .rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``subject`` is whose counter it is (an organization's, key's, user's, … name). ``reset_ms`` since 1970, or 0.

    ``reserved`` is of budgets: what calls under way hold beside what was used.
    """

    rule: Rule
    subject: str
    used: int
    remaining: int
    reset_ms: int
    reserved: int = 0
