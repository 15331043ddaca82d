"""What ``services.redis`` and ``services.cache`` name, as plugins are lent it: clients that try nothing twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hooks import ConfigError

from .config import Config
from .redis_url import RedisRole, RedisUrl
from .supervisor import supervised

if TYPE_CHECKING:
    from .embedded_redis import EmbeddedRedis

SOCKET_VARIABLES: Final[Mapping[RedisRole, str]] = {
    "redis": "COGNITUDE_REDIS_SOCKET",
    "cache": "COGNITUDE_CACHE_SOCKET",
}
"""In a worker's environment: the socket of the Redis that was started for all of them."""

_CONNECT_SECONDS: Final = (0.05, 0.1)
"""For a connection at least and at most: where an operation takes a millisecond, opening one with TLS takes more."""


class RedisService:
    """Implements `hooks.Redis`. ``users`` counts the runtimes that lean on it: the last one to `release` it closes it.

    Without a socket touched; an embedded server is started by `opened`.
    """

    def __init__(
        self,
        url: RedisUrl,
        *,
        role: RedisRole = "redis",
        server: EmbeddedRedis | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.users = 1
        self._role = role
        self._url = url
        self._server = server
        self._data_dir = data_dir

    def __repr__(self) -> str:
        return f"<Redis {self._url}>"

    @property
    def kind(self) -> str:
        return self._url.kind

    @property
    def cluster(self) -> bool:
        return self._url.kind == "cluster"

    def client(self, *, timeout: float) -> Any:
        """Connects when it is first used, in a tenth of a second or ``timeout`` if that is less, but 50 ms it has.

        redis-py is imported here: a gateway without Redis does without it.
        """
        from .redis_clients import client

        least, most = _CONNECT_SECONDS
        return client(self._url, timeout=timeout, connect=max(least, min(timeout, most)))

    def fits(self, config: Config) -> bool:
        """Whether it is that of this configuration."""
        url = config.services.redis_url(self._role)
        if url.kind == "embedded":
            return self._url.kind == "embedded" and self._data_dir == config.data_dir
        return self._url == url

    def status(self) -> dict[str, Any]:
        """The block ``redis`` or ``cache`` of ``/health``. Whether another's server answers, those say who use it."""
        if self._url.kind != "embedded":
            return {"kind": self._url.kind}
        from .embedded_redis import pid_beside

        pid = pid_beside(Path(self._url.path))
        return {"kind": "embedded", "status": "degraded" if pid is None else "ok", "pid": pid}

    async def release(self) -> None:
        self.users -= 1
        if self.users == 0 and self._server is not None:
            await asyncio.to_thread(self._server.stop)


async def opened(config: Config, before: RedisService | None, role: RedisRole = "redis") -> RedisService | None:
    """That of before if it is the same; None for ``memory``. The caller releases it.

    An embedded server is started by whoever starts the workers, or else here. Raises `ConfigError` and ``OSError``.
    """
    if before is not None and before.users > 0 and before.fits(config):
        before.users += 1
        return before
    url = config.services.redis_url(role)
    if url.kind == "memory":
        return None
    if url.kind != "embedded":
        return RedisService(url, role=role)
    if not supervised():
        server = await asyncio.to_thread(_started, config, role)
        return RedisService(_at(server.socket), role=role, server=server, data_dir=config.data_dir)
    socket = os.environ.get(SOCKET_VARIABLES[role])
    if socket is None:
        rule = "is embedded: that one is started before the workers are, so start the gateway again"
        where = role if role == "redis" or config.services.cache is not None else "redis"
        raise ConfigError(config.source.problem(("services", where), rule))
    return RedisService(_at(Path(socket)), role=role, data_dir=config.data_dir)


@contextmanager
def for_workers(config: Config) -> Iterator[None]:
    """The embedded servers for the workers that are started inside; nothing where none is asked for.

    Raises ``OSError`` when one does not start.
    """
    with ExitStack() as stack:
        for role, variable in SOCKET_VARIABLES.items():
            if config.services.redis_url(role).kind == "embedded":
                server = _started(config, role)
                stack.callback(server.stop)
                os.environ[variable] = str(server.socket)
                stack.callback(os.environ.pop, variable)
        yield


def _started(config: Config, role: RedisRole) -> EmbeddedRedis:
    from .embedded_redis import EmbeddedRedis

    return EmbeddedRedis(config.data_dir, role).start()


def _at(socket: Path) -> RedisUrl:
    return RedisUrl(kind="embedded", path=str(socket))
