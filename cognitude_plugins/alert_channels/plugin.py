"""The alert_channels plugin: its hooks. What they do is in the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hooks import hookimpl

from .settings import Config

if TYPE_CHECKING:
    from sqlmodel import SQLModel


class AlertChannels:
    """Sees no call: it reads the ledger."""

    def __init__(self, config: Config, *, name: str = "alert_channels") -> None:
        self._name = name
        self._config = config

    @hookimpl
    def tables(self) -> Iterable[type[SQLModel]]:
        from .tables import TABLES

        return TABLES
