"""A pipeline in miniature: one call through a list of plugins, as the gateway would take it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import pluggy

from .call import Call
from .errors import PluginError
from .payload import Payload
from .plan import Deployment, Plan
from .registration import registered
from .reply import Outcome, Reply, Usage
from .samples import completion, streamed
from .stream import Layer, Recorder, Watch, change_body, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercised:
    """What became of one call.

    ``call`` is what the provider would get, None when a plugin answered or the plan was left empty; ``reply`` what left
    the last plugin, its layers not yet applied; ``raw`` the bytes sent and ``body`` what a client makes of them;
    ``outcome`` what the watchers were told.
    """

    call: Call | None
    plan: Plan
    reply: Reply
    body: Any
    raw: bytes
    outcome: Outcome


async def exercise(
    *plugins: object,
    call: Call,
    answer: Reply | Callable[[Call], Reply] | None = None,
    plan: Plan | None = None,
    hang_up_after: int | None = None,
) -> Exercised:
    """One call through ``plugins`` as the gateway would take it, without a gateway.

    ``answer`` is the provider's (default: a completion, streamed if the call asks for it). ``hang_up_after`` makes the
    client leave after that many chunks. Under ``call.dry_run`` the provider is not asked: a note of the decision is the
    answer. There is no failure policy: what a plugin or a watcher raises, this raises; a hook that returns what it must
    not raises `PluginError`. An ``OSError`` out of the answer's chunks is the provider breaking off.
    """
    manager = registered(*plugins)
    started = time.perf_counter()
    call, early = await _down(manager, call)
    plan = plan or Plan(deployments=(_SIM,))
    if early is None:
        plan, early = await _route(manager, call, plan)
    reply = early or _ask(call, plan, answer)
    opened = [reply]
    sent = _Sent(started=started)
    try:
        final = await _up(manager, call, reply, opened)
        await _send(final, sent, hang_up_after)
    finally:
        for one in opened:
            await _close(one.chunks)
    outcome = await _watch(final, sent, plan)
    asked = early is None and bool(plan.deployments)
    return Exercised(
        call=call if asked else None, plan=plan, reply=final, body=outcome.body, raw=sent.raw, outcome=outcome
    )


_SIM = Deployment(id="sim", model="sim", provider="simulated", upstream_model="echo", transport="simulated")


@dataclass(slots=True, kw_only=True)
class _Sent:
    """What has gone out so far, and what was seen where: by index in the reply's layers, the client's last."""

    started: float
    raw: bytes = b""
    first: float | None = None
    error: str | None = None
    seen: dict[int, Callable[[], Any]] = field(default_factory=dict)

    def add(self, chunk: bytes) -> None:
        if self.first is None:
            self.first = time.perf_counter() - self.started
        self.raw += chunk


async def _run(impl: Any, allowed: tuple[type, ...], **values: Any) -> Any:
    result = impl.function(*(values[name] for name in impl.argnames))
    if inspect.isawaitable(result):
        result = await result
    if result is not None and not isinstance(result, allowed):
        names = " or ".join([*(kind.__name__ for kind in allowed), "None"])
        raise PluginError(
            f"{impl.plugin_name}: {impl.function.__name__} returned {type(result).__name__}, the contract says {names}"
        )
    return result


async def _down(manager: pluggy.PluginManager, call: Call) -> tuple[Call, Reply | None]:
    for impl in manager.hook.pre_request.get_hookimpls():
        result = await _run(impl, (Call, Reply), call=call)
        if isinstance(result, Reply):
            return call, replace(result, source=impl.plugin_name)
        call = call if result is None else result
    return call, None


async def _route(manager: pluggy.PluginManager, call: Call, plan: Plan) -> tuple[Plan, Reply | None]:
    for impl in manager.hook.route.get_hookimpls():
        result = await _run(impl, (Plan, Reply), call=call, plan=plan)
        if result is None:
            continue
        if isinstance(result, Reply):
            return plan, replace(result, source=impl.plugin_name)
        if added := [one.id for one in result.deployments if one not in plan.deployments]:
            raise PluginError(f"{impl.plugin_name}: route added {', '.join(added)}: it may narrow and reorder only")
        plan = result
    return plan, None


def _ask(call: Call, plan: Plan, answer: Reply | Callable[[Call], Reply] | None) -> Reply:
    if not plan.deployments:
        return replace(Reply.error(503, f"no deployment is left: {'; '.join(plan.reasons)}"), source="error")
    if call.dry_run:
        return replace(Reply.json({"object": "cognitude.decision", "id": call.id}), source="dry_run")
    if callable(answer):
        answer = answer(call)
    if answer is None:
        answer = streamed("Hel", "lo") if call.stream else Reply.json(completion())
    return replace(answer, source=answer.source or "provider", deployment=plan.deployments[0], attempts=1)


async def _up(manager: pluggy.PluginManager, call: Call, reply: Reply, opened: list[Reply]) -> Reply:
    for impl in reversed(manager.hook.post_response.get_hookimpls()):
        result = await _run(impl, (Reply,), call=call, reply=reply)
        if result is not None:
            lost = tuple(layer for layer in reply.layers if isinstance(layer, Watch) and layer not in result.layers)
            reply = replace(result, source=result.source or impl.plugin_name, layers=(*lost, *result.layers))
            opened.append(reply)
    return reply


async def _send(reply: Reply, sent: _Sent, hang_up_after: int | None) -> None:
    """Fill ``sent`` with what goes out and what each watcher saw; the chain of generators is closed on return."""
    if reply.chunks is None:
        _send_whole(reply, sent, hang_up_after)
        return
    layers: tuple[Layer, ...] = (*reply.layers, _CLIENT)
    recorders = {index: Recorder() for index, layer in enumerate(layers) if isinstance(layer, Watch)}
    sent.seen = {index: recorder.assemble for index, recorder in recorders.items()}
    count = 0
    async with aclosing(cast(Any, render(reply.chunks, layers, recorders=recorders))) as chunks:
        try:
            while count != hang_up_after:
                sent.add(await anext(chunks))
                count += 1
            sent.error = "client_disconnect"
        except StopAsyncIteration:
            pass
        except OSError:
            sent.error = "provider_error"


def _send_whole(reply: Reply, sent: _Sent, hang_up_after: int | None) -> None:
    payload = reply.payload or Payload(b"")
    for index, layer in enumerate((*reply.layers, _CLIENT)):
        payload = change_body(payload, (layer,))
        if isinstance(layer, Watch):
            sent.seen[index] = partial(_value, payload)
    if hang_up_after == 0:
        sent.error = "client_disconnect"
        sent.seen = dict.fromkeys(sent.seen, _nothing)
    else:
        sent.add(payload.raw)


async def _watch(reply: Reply, sent: _Sent, plan: Plan) -> Outcome:
    client = len(reply.layers)
    outcome = Outcome(
        status=reply.status,
        source=reply.source,
        complete=sent.error is None,
        error=sent.error,
        usage=Usage.of(sent.seen[client]()),
        seconds=time.perf_counter() - sent.started,
        time_to_first_token=sent.first,
        deployment=reply.deployment,
        attempts=reply.attempts,
        reasons=plan.reasons,
    )
    for index, layer in enumerate(reply.layers):
        if isinstance(layer, Watch):
            told = layer.watcher(replace(outcome, assemble=sent.seen[index]))
            if inspect.isawaitable(told):
                await told
    return replace(outcome, assemble=sent.seen[client])


def _value(payload: Payload) -> Any:
    try:
        return payload.value
    except ValueError:
        return None


def _nothing() -> None:
    return None


async def _close(chunks: Any) -> None:
    if hasattr(chunks, "aclose"):
        await chunks.aclose()


_CLIENT = Watch(watcher=_nothing)
