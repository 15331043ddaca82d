"""The ledger as an operator sees it: through the command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.processes import CLI


def exported(folder: Path) -> list[dict[str, Any]]:
    """Every row of the gateway whose plugins.yaml is in this folder."""
    done = cognitude(folder, "ledger", "export", "--format", "jsonl", "--output", "-")
    return [json.loads(line) for line in done.splitlines()]


def cognitude(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [*CLI, *words],
        cwd=folder,
        env={**os.environ, "COGNITUDE_CONFIG": str(folder / "plugins.yaml")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
