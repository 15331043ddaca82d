"""Endpoints beside the model calls: collected from plugins, each behind the access class it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy as copied
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import BaseRoute, Mount, Route

from hooks import Caller, ConfigError, Operation, Problem, Reply
from hooks.operation import operation_of

from .access import NO_ORGANIZATION, permitted
from .foreign import ask
from .plain import send_plain

if TYPE_CHECKING:
    import pluggy
    from starlette.types import ASGIApp, Receive, Scope, Send

ServeCall = Callable[["Operation", Callable[..., Any], "Scope", "Receive", "Send"], Awaitable[None]]
"""Serves a model call whose body the function makes; the operation says of which API."""

Admit = Callable[["Scope"], Awaitable[Caller | Reply]]
Exists = Callable[[str], Awaitable[bool]]
"""Whether there is an organization of this id."""

Admitted = Callable[["Scope", Operation], Awaitable[Caller | Reply]]
_KINDS: Final = "a starlette Route or Mount"


def collect_routes(manager: pluggy.PluginManager) -> tuple[BaseRoute, ...]:
    """The routes of all plugins; raises `ConfigError` for one without `hooks.operation`, or of another kind."""
    problems: list[Problem] = []
    collected: list[BaseRoute] = []
    for hook in manager.hook.routes.get_hookimpls():
        for route in ask(hook, "routes") or ():
            rule = _unfit(route)
            if rule is None:
                collected.append(route)
            else:
                problems.append(Problem(path=f"plugin {hook.plugin_name}", rule=rule))
    if problems:
        raise ConfigError(problems)
    return tuple(collected)


def _unfit(route: BaseRoute) -> str | None:
    if not isinstance(route, (Route, Mount)):
        return f"routes gave {type(route).__name__}; {_KINDS} is expected"
    found = operation_of(_endpoint(route))
    if found is None:
        return f"the endpoint of {route.path!r} has no access class; mark it with hooks.operation"
    if found.serves is not None and (found.access != "member" or getattr(route, "methods", None) != {"POST"}):
        return f"{route.path!r} serves model calls: those are POST alone, with access 'member'"
    return None


def _endpoint(route: Route | Mount) -> Any:
    return route.endpoint if isinstance(route, Route) else route.app


async def _any(organization: str) -> bool:
    return True


async def _no_calls(*_: Any) -> None:
    raise NotImplementedError("there is no pipeline here to serve a model call")


def guarded(
    routes: Iterable[BaseRoute],
    admit: Admit,
    new_id: Callable[[], str],
    exists: Exists = _any,
    serve: ServeCall = _no_calls,
) -> list[BaseRoute]:
    """Routes of the same paths that let in only whom their operation names, for organizations that there are.

    Those that serve model calls are left to ``serve``, admission too.
    """

    async def admitted(scope: Scope, operation: Operation) -> Caller | Reply:
        caller = await admit(scope)
        if isinstance(caller, Caller):
            caller = permitted(caller, operation, scope.get("query_string", b""))
        if (
            isinstance(caller, Caller)
            and caller.admin
            and caller.organization
            and not await exists(caller.organization)
        ):
            return NO_ORGANIZATION
        return caller

    fresh: list[BaseRoute] = []
    for route in routes:
        assert isinstance(route, (Route, Mount))
        found = operation_of(_endpoint(route))
        assert found is not None
        fresh.append(_guarded(route, found, admitted, new_id) if found.serves is None else _call(route, found, serve))
    return fresh


def _guarded(route: Route | Mount, found: Operation, admit: Admitted, new_id: Callable[[], str]) -> BaseRoute:
    if isinstance(route, Mount):
        return Mount(route.path, app=_gate(route.app, found, admit, new_id), name=route.name)
    # A plugin's own kind of route stays one: what it does not match, it is not.
    fresh = copied(route)
    fresh.methods = set(route.methods or {"GET", "HEAD"})
    fresh.app = _gate(route.app, found, admit, new_id)
    return fresh


def _call(route: Route | Mount, found: Operation, serve: ServeCall) -> BaseRoute:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await serve(found, _endpoint(route), scope, receive, send)

    copy = Route(route.path, _endpoint(route), methods=["POST"], name=route.name)
    copy.app = call
    return copy


def _gate(app: ASGIApp, found: Operation, admit: Admitted, new_id: Callable[[], str]) -> ASGIApp:
    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if found.access != "public":
            caller = await admit(scope, found)
            if isinstance(caller, Reply):
                await send_plain(send, caller, new_id())
                return
            scope.setdefault("state", {})["caller"] = caller
        await app(scope, receive, send)

    return gate


def operations(routes: Sequence[BaseRoute]) -> list[tuple[str, str, Operation]]:
    """Path, method and operation of every route, for the OpenAPI document. HEAD comes with GET and is not listed."""
    rows = []
    for route in routes:
        found = operation_of(_endpoint(route)) if isinstance(route, (Route, Mount)) else None
        if found is not None and isinstance(route, Route):
            rows += [(route.path, method, found) for method in sorted(route.methods or ()) if method != "HEAD"]
    return rows
