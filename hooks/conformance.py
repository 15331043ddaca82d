"""Whether a plugin keeps to the contract, by looking at it and by running it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pluggy

from . import spec
from .call import NOTES, Call
from .errors import Misfit, PluginError
from .exercise import Exercised, exercise
from .job import Job
from .metric import Metric, Section
from .operation import operation_of
from .payload import Payload
from .registration import registered
from .reply import Reply
from .samples import completion, make_call, streamed

_MAY_WAIT: Final = ("pre_request", "route", "post_response", "health")
_NEIGHBOUR: Final = "cognitude-neighbour"
_STATUSES: Final = ("ok", "degraded", "down")


def check_plugin(plugin: object) -> None:
    """Raises `PluginError` or ``AssertionError`` naming what breaks the contract.

    Runs the plugin on sample calls (whole, streamed, failed, left by the client, dry) in an event loop of its own. A
    plugin that works only inside its ``lifespan`` is to be given here as it is inside of it. ``commands`` and
    ``lifespan`` are looked at and not run.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    manager = registered(plugin)
    _check_marked(plugin, manager)
    _check_kinds(manager)
    _check_contributions(manager)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _check_running(plugin, manager)).result()


def _check_marked(plugin: object, manager: pluggy.PluginManager) -> None:
    marked = {impl.name for impl in manager.get_hookcallers(plugin) or ()}
    for name in spec.STAGES:
        if name not in marked and inspect.isroutine(getattr(plugin, name, None)):
            raise PluginError(
                f"{_named(plugin)}: {name} has the name of a hook and no @hookimpl, so it is never called"
            )
    if not marked:
        raise PluginError(f"{_named(plugin)}: not one @hookimpl of project {spec.PROJECT!r} is in it")


def _check_kinds(manager: pluggy.PluginManager) -> None:
    for name, impl in _impls(manager, *spec.STAGES, *spec.CONTRIBUTIONS):
        function = impl.function
        if inspect.isasyncgenfunction(function):
            raise PluginError(f"{impl.plugin_name}: {name} is an asynchronous generator; a hook returns one value")
        if name in _MAY_WAIT and inspect.isgeneratorfunction(function):
            raise PluginError(f"{impl.plugin_name}: {name} is a generator; a hook returns one value")
        if name not in _MAY_WAIT and inspect.iscoroutinefunction(function):
            raise PluginError(f"{impl.plugin_name}: {name} is called once at start-up and must be a plain def")
        if missing := [one for one in impl.kwargnames if one in getattr(manager.hook, name).spec.argnames]:
            raise PluginError(f"{impl.plugin_name}: {name} would never be given {missing[0]!r}: it has a default")


def _check_contributions(manager: pluggy.PluginManager) -> None:
    for _, impl in _impls(manager, "schedule"):
        jobs = _listed(impl, "schedule")
        for job in jobs:
            if not isinstance(job, Job):
                raise PluginError(f"{impl.plugin_name}: schedule returned {type(job).__name__}, the contract says Job")
        names = [job.name for job in jobs]
        assert len(set(names)) == len(names), f"{impl.plugin_name}: schedule names two jobs alike: {', '.join(names)}"
    for _, impl in _impls(manager, "routes"):
        for route in _listed(impl, "routes"):
            _check_route(impl.plugin_name, route)
    for name, kind in (("metrics", Metric), ("sections", Section), ("misfits", Misfit)):
        for _, impl in _impls(manager, name):
            for one in _listed(impl, name, {}):
                if not isinstance(one, kind):
                    contract = f"the contract says {kind.__name__}"
                    raise PluginError(f"{impl.plugin_name}: {name} returned {type(one).__name__}, {contract}")
    for _, impl in _impls(manager, "tables"):
        for table in _listed(impl, "tables"):
            if not isinstance(table, type):
                raise PluginError(f"{impl.plugin_name}: tables returned {type(table).__name__}, not a class")


def _check_route(name: str, route: Any) -> None:
    """An endpoint, or the app of a mount, which answers for all below it."""
    if operation_of(getattr(route, "endpoint", None) or getattr(route, "app", None)) is None:
        path = getattr(route, "path", route)
        raise PluginError(f"{name}: the endpoint of {path} does not say who may call it; mark it with hooks.operation")


def _listed(impl: Any, name: str, *given: Any) -> list[Any]:
    result = impl.function(*given[: len(impl.argnames)])
    if result is None or not isinstance(result, Iterable):
        raise PluginError(f"{impl.plugin_name}: {name} returned {type(result).__name__}, the contract says an iterable")
    return list(result)


async def _check_running(plugin: object, manager: pluggy.PluginManager) -> None:
    await _check_health(manager)
    for call, options in _samples():
        await _run(plugin, call, **options)
    await _check_dry_run(plugin)


def _samples() -> Iterator[tuple[Call, dict[str, Any]]]:
    usage = completion()["usage"]
    too_many = Reply.error(429, "Too many requests.", type="requests", code="rate_limit_exceeded")
    yield _sample("whole"), {}
    yield _sample("without usage"), {"answer": Reply.json(completion(usage=None))}
    yield _sample("an error"), {"answer": too_many}
    yield _sample("not an object"), {"answer": Reply.json([])}
    yield _sample("not JSON"), {"answer": Reply(status=502, payload=Payload(b"Bad Gateway"))}
    yield _sample("the client leaves before the answer"), {"hang_up_after": 0}
    yield _sample("a stream", stream=True), {"answer": streamed("Hel", "lo", usage=usage)}
    yield _sample("a stream without usage", stream=True), {"answer": streamed("Hel", "lo")}
    yield _sample("the client leaves a stream", stream=True), {"answer": streamed("Hel", "lo"), "hang_up_after": 2}


async def _check_health(manager: pluggy.PluginManager) -> None:
    for _, impl in _impls(manager, "health"):
        block = impl.function()
        if inspect.isawaitable(block):
            block = await block
        if not isinstance(block, Mapping):
            raise PluginError(
                f"{impl.plugin_name}: health returned {type(block).__name__}, the contract says a mapping"
            )
        status = block.get("status", "ok")
        assert status in _STATUSES, f"{impl.plugin_name}: health has the status {status!r}, not {', '.join(_STATUSES)}"


async def _run(plugin: object, call: Call, **options: Any) -> Exercised:
    call.state[_NEIGHBOUR] = {"seen": 1}
    done = await exercise(plugin, call=call, **options)
    own = sorted(set(call.state) - {_NEIGHBOUR, *NOTES})
    assert len(own) <= 1, f"{_named(plugin)}: call.state holds {', '.join(own)}; a plugin has one key there, its name"
    kept = call.state.get(_NEIGHBOUR) == {"seen": 1}
    assert kept, f"{_named(plugin)}: it changed another plugin's part of call.state"
    return done


async def _check_dry_run(plugin: object) -> None:
    first, second = [_decision(await _run(plugin, _sample("a dry run", dry_run=True))) for _ in range(2)]
    for name, value in first.items():
        assert value == second[name], (
            f"{_named(plugin)}: two dry runs of one call differ in {name}; it changed something"
        )


def _decision(done: Exercised) -> dict[str, object]:
    return {
        "the call": done.call,
        "the plan": done.plan,
        "the status": done.reply.status,
        "the headers": dict(done.reply.headers),
        "the answer": done.body,
    }


def _sample(what: str, *, dry_run: bool = False, **fields: Any) -> Call:
    call = make_call(dry_run=dry_run, id=f"check: {what}")
    return call.set(**fields) if fields else call


def _impls(manager: pluggy.PluginManager, *names: str) -> list[tuple[str, Any]]:
    return [(name, impl) for name in names for impl in getattr(manager.hook, name).get_hookimpls()]


def _named(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__))
