"""A real gateway over the simulated provider on another day, whose hours take seconds, and replays of what it wrote.

A process of its own: ``python -m tests.gateway.replay.day FOLDER`` reads ``FOLDER/day.json`` and writes
``FOLDER/done.json``.
"""

from __future__ import annotations

import sys

from cognitude_plugins.gateway.replay.clock import install

if __name__ == "__main__":
    clock = install()

import asyncio
import json
import os
import subprocess
from collections.abc import MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

BEGIN_MS: Final = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp() * 1000)
Sent = dict[str, Any]
"""``after_ms``, ``key`` and ``body``; ``leaves_ms`` when the client goes."""


def lived(folder: Path, sent: Sequence[Sent], served: Sequence[str], replayed: Sequence[tuple[str, str]]) -> Any:
    """Each of the configurations ``served`` gets all that is ``sent``, and has its rows in the folder of its name; of
    ``replayed``, each first one's rows are then played through the second. By name: ``served`` and ``replayed``.
    """
    (folder / "day.json").write_text(json.dumps({"sent": sent, "served": served, "replayed": replayed}))
    words = [sys.executable, "-m", "tests.gateway.replay.day", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "done.json").read_text())


def _main(folder: Path) -> None:
    asked = json.loads((folder / "day.json").read_text())
    done = {
        "served": {name: _served(folder / name / "plugins.yaml", asked["sent"]) for name in asked["served"]},
        "replayed": {f"{a} {b}": _replayed(folder / a, folder / b) for a, b in asked["replayed"]},
    }
    (folder / "done.json").write_text(json.dumps(done))


def _served(path: Path, sent: Sequence[Sent]) -> list[int]:
    """The statuses."""
    from cognitude_plugins.gateway.app import create_app
    from cognitude_plugins.gateway.replay.loop import Jumping

    clock.begin(BEGIN_MS * 1_000_000)
    loop = Jumping(clock)

    async def day() -> list[int]:
        app = create_app(path, {})
        await app.start()
        calls = []
        for one in sent:
            await asyncio.sleep(one["after_ms"] / 1000 - (clock.ns / 1e9 - BEGIN_MS / 1000))
            calls.append(asyncio.create_task(_asked(app, one)))
        statuses = await asyncio.gather(*calls)
        await app.stop()
        return statuses

    try:
        return loop.run_until_complete(day())
    finally:
        loop.close()


async def _asked(app: Any, one: Sent) -> int:
    inbox: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": json.dumps(one["body"]).encode()}]
    seen: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        if inbox:
            return inbox.pop()
        await asyncio.sleep(one.get("leaves_ms", 3_600_000) / 1000)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if "status" in message:
            seen.append(message["status"])

    headers = [(b"authorization", f"Bearer {one['key']}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    await app({**scope, "query_string": b"", "client": ("192.0.2.1", 4711)}, receive, send)
    return seen[0] if seen else 0


def _replayed(recorded: Path, changed: Path) -> Any:
    from cognitude_plugins.gateway.replay.order import Order
    from cognitude_plugins.gateway.replay.run import replayed

    with TemporaryDirectory() as scratch:
        order = Order(
            config=changed / "plugins.yaml",
            recorded_by=recorded / "plugins.yaml",
            baseline=None,
            since_ms=BEGIN_MS,
            until_ms=BEGIN_MS + 86_400_000,
            warm_up_ms=0,
            organization=None,
            requests=None,
            folder=Path(scratch),
            progress=False,
        )
        return replayed(order, clock)


if __name__ == "__main__":
    os.environ.pop("COGNITUDE_BOOTSTRAP_KEY", None)
    _main(Path(sys.argv[1]))
