"""A file's tables set aside while it is run again: SQLModel keeps all tables of a process in one place, by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any


def set_aside(module: ModuleType | None) -> Callable[[], None]:
    """Make room for tables of the same names; what is returned puts these back. Their classes go on working."""
    found = _models(module)
    if found:
        _settle(found)
    for model in found:
        model.metadata.remove(model.__table__)
        model._sa_registry._dispose_cls(model)

    def put_back() -> None:
        from sqlalchemy.orm import clsregistry

        for model in found:
            model.metadata._add_table(model.__table__.name, model.__table__.schema, model.__table__)
            clsregistry._add_class(model.__name__, model, model._sa_registry._class_registry)

    return put_back


def discard(module: ModuleType) -> None:
    """The tables of a file that failed, before anybody saw them."""
    for model in _models(module):
        model.metadata.remove(model.__table__)
        model._sa_registry._dispose_cls(model)
        model.__mapper__._set_dispose_flags()


def _settle(models: list[Any]) -> None:
    """What they say of each other is by name, and looked up when first needed: it must be while it can be found.

    Where it cannot be they have never worked, and must not keep others from being set up.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        for model in models:
            for key in model.__table__.foreign_keys:
                with suppress(SQLAlchemyError):
                    _ = key.column
        models[0]._sa_registry.configure()
    except SQLAlchemyError:
        for model in models:
            model.__mapper__._set_dispose_flags()


def _models(module: ModuleType | None) -> list[Any]:
    """Without SQLModel imported there are none."""
    sqlmodel = sys.modules.get("sqlmodel")
    if module is None or sqlmodel is None:
        return []
    classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, sqlmodel.SQLModel)]
    own = [one for one in classes if one.__module__ == module.__name__ and "__table__" in vars(one)]
    return list(dict.fromkeys(own))
