"""One page of a list: rows after an id, in the order of ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select


class Named(Protocol):
    @property
    def id(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """At most ``limit`` objects whose ids come after ``after``, which need not be there any more."""

    limit: int = 100
    after: str = ""


def paged(
    connection: Connection, question: Select[Any], id: ColumnElement[str], page: Page
) -> tuple[list[Row[Any]], bool]:
    """The rows, and whether there are more."""
    rows = connection.execute(question.where(id > page.after).order_by(id).limit(page.limit + 1)).all()
    return list(rows[: page.limit]), len(rows) > page.limit


def every(listed: Callable[[Page], tuple[list[Thing], bool]]) -> list[Thing]:
    """All pages of a list, one after the other."""
    found, more = listed(Page(limit=1000))
    while more:
        further, more = listed(Page(limit=1000, after=found[-1].id))
        found += further
    return found
