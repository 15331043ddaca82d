"""The tables and the migrations that plugins bring."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Table

from hooks import PluginError

from ..foreign import ask, foreign
from .branch import CORE, Branch

if TYPE_CHECKING:
    import pluggy

    from ..loader import Loaded

FOLDER: Final = "migrations"
CORE_TABLES: Final = frozenset(
    {"account_revision", "api_key", "gateway_job", "organization", "provider_credential", "secret_key", "user_account"}
)
CORE_PREFIXES: Final = ("ledger_", "schema_version_")
_LABEL: Final = re.compile(r"""^branch_labels\b[^=\n]*=\s*[(\[]?\s*["'](\w+)["']""", re.MULTILINE)


def collect(manager: pluggy.PluginManager, loaded: Iterable[Loaded]) -> tuple[tuple[Branch, ...], tuple[Table, ...]]:
    """The branches of the plugins with a ``migrations`` folder in their package, and the other plugins' tables.

    Raises `PluginError`, which names plugin and table.
    """
    branches: dict[str, Branch] = {}
    migrated: set[str] = set()
    for entry in loaded:
        branch = None if entry.mode == "off" else _branch(entry.plugin)
        if branch is not None:
            migrated.add(entry.name)
            if branches.setdefault(branch.name, branch) != branch or branch.name == CORE.name:
                raise PluginError(f"plugin {entry.name!r}: its migrations have the name of others: {branch.name}")
    found: dict[str, tuple[str, Any]] = {}
    for hook in manager.hook.tables.get_hookimpls():
        for model in _models(hook):
            table = _table(hook.plugin_name, model)
            other, before = found.setdefault(table.name, (hook.plugin_name, model))
            if _origin(before) != _origin(model):
                raise PluginError(f"plugin {hook.plugin_name!r}: table {table.name!r} is {other!r}'s already")
            found[table.name] = (hook.plugin_name, model)
    tables = tuple(model.__table__ for name, model in found.values() if name not in migrated)
    return tuple(branches.values()), tables


def _branch(plugin: object) -> Branch | None:
    """Of a plugin that is in a package; beside a single file there may be anybody's folder of that name."""
    name = plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__
    spec = getattr(sys.modules.get(name), "__spec__", None)
    package = sys.modules.get(spec.parent) if spec is not None and spec.parent else None
    for path in getattr(package, "__path__", ()):
        folder = Path(path) / FOLDER
        if package is not None and folder.is_dir():
            return Branch(name=_label(folder) or package.__name__.rpartition(".")[2], folder=folder)
    return None


def _label(folder: Path) -> str | None:
    """What the first migration calls the branch, so that it can stay the same when the package is called otherwise."""
    found = (_LABEL.search(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.py")))
    return next((one[1] for one in found if one), None)


def _models(hook: Any) -> list[Any]:
    given = ask(hook, "tables")
    try:
        return foreign(list, given)
    except PluginError as error:
        raise PluginError(f"plugin {hook.plugin_name!r} failed in tables: {error}") from None


def _table(plugin: str, model: Any) -> Table:
    table = getattr(model, "__table__", None)
    if not isinstance(table, Table):
        raise PluginError(f"plugin {plugin!r}: tables() gives {model!r}, which is no SQLModel class with table=True")
    if "organization" not in table.columns:
        raise PluginError(f"plugin {plugin!r}: table {table.name!r} has no organization column")
    if table.name in CORE_TABLES or table.name.startswith(CORE_PREFIXES):
        raise PluginError(f"plugin {plugin!r}: table {table.name!r} has a name of the core's")
    return table


def _origin(model: Any) -> Sequence[str]:
    """The same for a class that was defined again because its file was."""
    return model.__module__, model.__qualname__
