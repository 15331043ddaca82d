"""The pipeline: a list of plugins compiled once, run for every call. The only way to a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import pluggy

from hooks import Call, Deployment, Plan, Reply

from .attempts import call_provider
from .closing import close
from .fallbacks import Extra, behind
from .faults import Faults
from .loader import Loaded
from .permitted_models import allows, narrowed
from .policy import Policy
from .providers import Provider, Target
from .providers.catalog import CATCH_ALL, Catalog
from .steps import Stage, Step, advance, compile_step
from .trace import Trace
from .upstreams import Upstreams
from .vitals import VitalsBook

_OTHER_NAMES: Final = 1024
_KEPT_LENGTH: Final = 256
_STAGES: Final[tuple[Stage, ...]] = ("pre_request", "route", "post_response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One hook of one entry, as ``cognitude explain`` prints it."""

    stage: Stage
    policy: Policy
    use: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Immutable. A reload builds another one beside it.

    ``unpriced``, if set, says of which deployments no price is known: they are not called.
    """

    lines: tuple[Line, ...]
    faults: Mapping[str, Faults]
    catalog: Catalog
    upstreams: Upstreams
    pre_request: tuple[Step, ...]
    route: tuple[Step, ...]
    post_response: tuple[Step, ...]
    plan: Callable[[str], tuple[Plan, Mapping[str, Target]]]
    unpriced: Callable[[Deployment], bool] | None = None

    @property
    def providers(self) -> Mapping[str, Provider]:
        return self.upstreams.providers

    async def answer(self, call: Call, trace: Trace, headers: Mapping[str, str]) -> tuple[Call, Reply]:
        """Down the list and to the provider: the call as it was sent, and the reply, its head known."""
        trace.step = 0
        while (result := await advance(self.pre_request, trace, call)) is not None:
            if isinstance(result, Reply):
                return call, result
            call = result
        plan, targets = self.plan(call.model)
        if call.caller.models is not None:
            plan = narrowed(plan, call.model, call.caller.models)
        if not plan.deployments:
            return call, unknown_model(call, self.catalog)
        if self.unpriced is not None:
            plan = _priced(plan, self.unpriced)
            if not plan.deployments:
                return call, unpriced_model(call)
        trace.step = 0
        while (result := await advance(self.route, trace, call, plan)) is not None:
            if isinstance(result, Reply):
                return call, result
            plan = result
        if self.catalog.fallbacks and plan.deployments:
            extras = self._fallbacks(call.model)
            if extras:
                plan, targets = behind(plan, targets, extras, call.caller.models, self.unpriced)
        trace.reasons = plan.reasons
        if call.dry_run:
            return call, decision(call, plan, trace)
        return call, await call_provider(call, plan, targets, self.upstreams, trace, headers)

    def _fallbacks(self, name: str) -> Sequence[Extra]:
        found = self.catalog.fallbacks
        return found.get(name if name in self.catalog.models else CATCH_ALL, ())

    async def finish(self, call: Call, reply: Reply, trace: Trace) -> Reply:
        """Up the list. Continues behind the step at which an earlier, cancelled run of it stopped, with its reply."""
        if trace.reply is None:
            trace.reply, trace.step = reply, 0
        reply = trace.reply
        while (result := await advance(self.post_response, trace, call, reply)) is not None:
            before, trace.reply = reply, result
            reply = result
            if before.chunks is not None and result.chunks is None:
                await close(before.chunks)
        return reply


def compile_pipeline(
    loaded: Sequence[Loaded], manager: pluggy.PluginManager, catalog: Catalog, providers: Mapping[str, Provider]
) -> Pipeline:
    """Read the hooks once: YAML order down, the reverse up."""
    entries = {entry.name: entry for entry in loaded}
    faults = {entry.name: Faults(entry.name) for entry in loaded}
    lines: list[Line] = []
    steps: dict[str, tuple[Step, ...]] = {}
    for stage in _STAGES:
        hooks = getattr(manager.hook, stage).get_hookimpls()
        compiled = []
        for hook in reversed(hooks) if stage == "post_response" else hooks:
            policy = _policy(entries[hook.plugin_name], faults[hook.plugin_name])
            lines.append(Line(stage=stage, policy=policy, use=entries[hook.plugin_name].entry.use))
            compiled.append(compile_step(hook.function, hook.argnames, stage, policy))
        steps[stage] = tuple(compiled)
    return Pipeline(
        lines=tuple(lines),
        faults=faults,
        catalog=catalog,
        upstreams=Upstreams(providers=providers, vitals=VitalsBook(catalog.cares())),
        plan=planner(catalog),
        pre_request=steps["pre_request"],
        route=steps["route"],
        post_response=steps["post_response"],
    )


def _policy(entry: Loaded, faults: Faults) -> Policy:
    mode: Literal["enforce", "shadow"] = "shadow" if entry.mode == "shadow" else "enforce"
    return Policy(plugin=entry.name, mode=mode, on_error=entry.on_error, timeout=entry.timeout, faults=faults)


def planner(catalog: Catalog) -> Callable[[str], tuple[Plan, Mapping[str, Target]]]:
    """The plan of a name and its targets by deployment id, made once for each name; of a catch-all's for the recent."""
    plans = {name: planned(targets) for name, targets in catalog.models.items()}

    @lru_cache(maxsize=_OTHER_NAMES)
    def other(name: str) -> tuple[Plan, Mapping[str, Target]]:
        return planned(catalog.find(name))

    def plan(name: str) -> tuple[Plan, Mapping[str, Target]]:
        found = plans.get(name)
        if found is not None:
            return found
        return other(name) if len(name) <= _KEPT_LENGTH else planned(catalog.find(name))

    return plan


def planned(targets: Sequence[Target]) -> tuple[Plan, Mapping[str, Target]]:
    return Plan(deployments=tuple(target.deployment for target in targets)), {
        target.deployment.id: target for target in targets
    }


def unknown_model(call: Call, catalog: Catalog) -> Reply:
    """404 in the envelope OpenAI uses for it; names close to the one asked for are offered."""
    from difflib import get_close_matches

    patterns = call.caller.models
    names = [name for name in catalog.models if patterns is None or allows(patterns, name)]
    nearest = get_close_matches(call.model[:200], names, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    message = f"The model {call.model[:200]!r} does not exist or you do not have access to it.{hint}"
    return replace(Reply.error(404, message, code="model_not_found", param="model"), source="error")


def _priced(plan: Plan, unpriced: Callable[[Deployment], bool]) -> Plan:
    return replace(plan, deployments=tuple(one for one in plan.deployments if not unpriced(one)))


def unpriced_model(call: Call) -> Reply:
    message = (
        f"The price of the model {call.model[:200]!r} is not known, and this gateway calls no model without one "
        "(gateway.require_price)."
    )
    return replace(Reply.error(400, message, code="unpriced_model", param="model"), source="error")


def decision(call: Call, plan: Plan, trace: Trace) -> Reply:
    """What a dry run answers: where the call would have gone, and why. No provider is called."""
    value = {
        "object": "cognitude.decision",
        "id": call.id,
        "model": call.model,
        "deployments": [deployment.id for deployment in plan.deployments],
        "reasons": list(plan.reasons),
        "shadow": [{"plugin": made.plugin, "stage": made.stage, "would": made.would} for made in trace.decisions],
    }
    return replace(Reply.json(value), source="dry_run")
