"""redis-py's clients for each kind of address, without what redis-py does by itself."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from .redis_url import RedisUrl

_NODE_CONNECTIONS: Final = 1_024
"""Of a client to one node of a cluster; more calls than that at the same time are more than a process serves."""


def client(url: RedisUrl, *, timeout: float, connect: float) -> Any:
    """Tries nothing twice and checks no connection by itself. Both times are seconds.

    RESP2 without a greeting: a connection costs no round trip, where there is neither a password nor a database.
    """
    given = {"username": url.username, "password": url.password, **_plain(url, timeout, connect)}
    if url.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in url.hosts]
        # What other nodes hold can be used while nobody has the slots of one that is gone.
        return _Cluster(startup_nodes=nodes, require_full_coverage=False, max_connections=_NODE_CONNECTIONS, **given)
    given["db"] = url.db
    if url.kind == "sentinel":
        asking = {"password": url.sentinel_password, **_plain(url, timeout, connect)}
        untyped: Any = Sentinel
        sentinels = untyped(list(url.hosts), sentinel_kwargs=asking, **given)
        return sentinels.master_for(url.service, redis_class=_Master)
    if url.path:
        return Redis(unix_socket_path=url.path, **given)
    [(host, port)] = url.hosts
    return Redis(host=host, port=port, **given)


class _Cluster(RedisCluster):
    """Learns who has which slots before its first command; redis-py sends that one to any node, which may be gone."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        await self.initialize()
        return await super().execute_command(*args, **kwargs)

    async def aclose(self) -> None:
        """Also after a failure, when redis-py takes the client for one that was never open."""
        try:
            await super().aclose()
        finally:
            for nodes in ("nodes_cache", "startup_nodes"):
                await self.nodes_manager.aclose(nodes)


class _Master(Redis):
    """Closes the clients that ask the Sentinels, too."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        try:
            await super().aclose(close_connection_pool)
        finally:
            await self.connection_pool.sentinel_manager.aclose()  # type: ignore[attr-defined]


def _plain(url: RedisUrl, timeout: float, connect: float) -> dict[str, Any]:
    tls = {"ssl": True, **dict(url.certificates)} if url.tls else {}
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
        **tls,
    }
