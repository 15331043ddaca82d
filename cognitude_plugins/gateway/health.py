"""How the gateway is: alive, ready, and what each plugin says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from .runtime import Runtime
from .steps import ask_health
from .version import VERSION

_SECONDS: Final = 2.0


async def report(runtime: Runtime, *, draining: bool, uptime: float = 0.0) -> dict[str, Any]:
    """The body of ``/health``. ``status``: ``ok``, ``degraded``, ``down`` (a plugin is not well), ``draining``.

    ``uptime`` is in seconds.
    """
    blocks = await _blocks(runtime)
    kept = _services(runtime)
    plugins = {
        entry.name: {
            "use": entry.entry.use,
            "mode": entry.mode,
            **(runtime.pipeline.faults[entry.name].as_dict() if entry.name in runtime.pipeline.faults else {}),
            **blocks.get(entry.name, {}),
        }
        for entry in runtime.loaded
    }
    jobs = {name: one.run.as_dict() for name, one in runtime.scheduler.jobs.items()}
    return {
        "status": "draining" if draining else worst({**blocks, **kept}),
        "version": VERSION,
        "uptime_seconds": round(uptime, 1),
        "in_flight": len(runtime.under_way),
        "models": len(runtime.catalog.models),
        "providers": _providers(runtime),
        **kept,
        "plugins": plugins,
        "jobs": jobs,
    }


async def ready(runtime: Runtime, *, draining: bool) -> tuple[bool, str]:
    """Whether new calls should come here, and the status in a word."""
    kept = _services(runtime)
    status = "draining" if draining else worst({**await _blocks(runtime), **kept})
    return status not in ("draining", "down"), status


def worst(blocks: Mapping[str, Mapping[str, object]]) -> str:
    """``down`` if one is down, ``degraded`` if one is anything but ok, else ``ok``."""
    statuses = {str(block.get("status", "ok")) for block in blocks.values()}
    return "down" if "down" in statuses else "degraded" if statuses - {"ok"} else "ok"


def _providers(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """By deployment, as this process has seen it. Their state decides nothing: other deployments may answer."""
    return {
        deployment.id: {"provider": deployment.provider, **runtime.vitals.of(deployment.id).as_dict()}
        for deployment in runtime.catalog.deployments()
    }


def _services(runtime: Runtime) -> dict[str, dict[str, Any]]:
    """The blocks ``database``, ``ledger`` and, where there are some, ``redis`` and ``cache``."""
    books = {} if runtime.books is None else runtime.books.status()
    servers = {"redis": runtime.redis, "cache": runtime.cache}
    return {**books, **{role: server.status() for role, server in servers.items() if server is not None}}


async def _blocks(runtime: Runtime) -> dict[str, Mapping[str, object]]:
    hooks = runtime.manager.hook.health.get_hookimpls()
    asked = [_bounded(hook.function, runtime.pipeline.faults[hook.plugin_name]) for hook in hooks]
    return dict(zip([hook.plugin_name for hook in hooks], await asyncio.gather(*asked), strict=True))


async def _bounded(function: Any, faults: Any) -> Mapping[str, object]:
    try:
        async with asyncio.timeout(_SECONDS):
            return await ask_health(function, faults)
    except TimeoutError as error:
        faults.failed("health", error)
        return {"status": "degraded", "error": f"no answer within {_SECONDS:g} s"}
