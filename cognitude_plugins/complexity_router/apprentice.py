"""Learning in a process of its own: ``python -m`` of this module reads comparisons and writes a `Study`.

It takes some seconds of a whole core, which the event loop is not to wait for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

from .examples import loads
from .features import Features
from .study import FEWEST, study

_SECONDS: Final = 600.0
_NICE: Final = 10


class NotLearned(Exception):
    """Nothing came of it; the text says why."""


async def learn(labels: Sequence[tuple[float, bytes]]) -> bytes:
    """The packed `Study` of these losses and packed features. Raises `NotLearned`."""
    sent = await asyncio.to_thread(_packed, labels)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            made, said = await process.communicate(sent)
    except TimeoutError:
        raise NotLearned(f"no result within {_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NotLearned(said.decode(errors="replace").strip().rpartition("\n")[2] or f"exit {process.returncode}")
    return b64decode(made)


def _packed(labels: Sequence[tuple[float, bytes]]) -> bytes:
    return json.dumps([[loss, b64encode(features).decode()] for loss, features in labels]).encode()


def readable(labels: Sequence[tuple[float, bytes]]) -> list[tuple[float, Features]]:
    """Without those of another version."""
    found = []
    for loss, packed in labels:
        try:
            found.append((loss, loads(packed)))
        except ValueError:
            continue
    return found


def main() -> None:
    os.nice(_NICE)
    labels = readable([(loss, b64decode(packed)) for loss, packed in json.loads(sys.stdin.buffer.read())])
    if len(labels) < FEWEST:
        sys.exit(f"{len(labels)} labels can be read, {FEWEST} are needed")
    sys.stdout.write(b64encode(study(labels).dumps()).decode())


if __name__ == "__main__":
    main()
