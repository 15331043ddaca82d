"""The gateway without authentication and accounting, which no configuration can switch off: what the two add to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from cognitude_plugins.gateway.app import App
from cognitude_plugins.gateway.auth import Keyring
from cognitude_plugins.gateway.cli.logs import set_up
from cognitude_plugins.gateway.runtime import Runtime
from cognitude_plugins.gateway.server import bind, run
from hooks import Caller

_SOMEBODY = Caller(organization="default", key="bench")


class Nothing:
    """In place of an `Account`."""

    usage = None
    cost_nano_usd = None
    closed = True

    async def settle(self, *of_the_call: Any) -> None: ...

    async def write(self, *of_the_call: Any) -> None: ...


def main() -> int:
    """``python -m tests.bench.unaccounted CONFIG PORT``."""
    set_up("warning")
    app = App(Path(sys.argv[1]), os.environ)
    Runtime.account = lambda *of_the_call: Nothing()  # type: ignore
    Keyring.admit = lambda *of_the_request: _SOMEBODY  # type: ignore
    return run(app, [bind("127.0.0.1", int(sys.argv[2]))])


if __name__ == "__main__":
    sys.exit(main())
