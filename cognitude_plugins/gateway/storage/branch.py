"""A line of migrations, the core's or a plugin's: which revisions there are, read without importing any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hooks import PluginError

# Of a table's name PostgreSQL takes 63 characters.
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ASSIGNED: Final = re.compile(
    r"""^(revision|down_revision)\b[^=\n]*=\s*(?:None|"([^"\n]*)"|'([^'\n]*)')\s*(?:\#.*)?$""", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The Alembic files of ``folder``, one after the other without forks. The database knows it by ``name``."""

    name: str
    folder: Path

    @property
    def table(self) -> str:
        """Where the database notes how far it is: each branch has its own, so that no two can disturb each other."""
        return f"schema_version_{self.name}"

    def revisions(self) -> tuple[str, ...]:
        """Oldest first. Raises `PluginError` for what is not one line of migrations."""
        if not _NAME.fullmatch(self.name):
            raise PluginError(f"migrations: {self.name!r} is no name for a branch: it must match {_NAME.pattern}")
        after: dict[str | None, str] = {}
        for path in sorted(self.folder.glob("*.py")):
            if path.stem != "__init__":
                before, revision = self._read(path)
                if (other := after.setdefault(before, revision)) != revision:
                    both = f"{other} and {revision}"
                    raise PluginError(f"migrations of {self.name}: both follow {before or 'nothing'}: {both}")
        line: list[str] = []
        while (next_one := after.pop(line[-1] if line else None, None)) is not None:
            line.append(next_one)
        if after:
            raise PluginError(f"migrations of {self.name}: {', '.join(sorted(after.values()))} not in line with {line}")
        return tuple(line)

    def _read(self, path: Path) -> tuple[str | None, str]:
        """The revision before it, and its own."""
        found = {one[1]: one[2] or one[3] for one in _ASSIGNED.finditer(path.read_text(encoding="utf-8"))}
        if not found.get("revision") or "down_revision" not in found:
            raise PluginError(f"migrations of {self.name}: {path.name} must assign revision and down_revision, as text")
        return found["down_revision"], str(found["revision"])


CORE: Final = Branch(name="core", folder=Path(__file__).parent / "versions")
