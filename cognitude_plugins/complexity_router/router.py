"""The router: a call and its plan in, the plan in the order of what is wanted out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from hooks import Call, Deployment, Gateway, Plan, Reply

from .candidates import Candidate, Survey
from .catalogue import published
from .complexity import complexity, level_of
from .decide import Caution, Decision, decide
from .features import Features, describe
from .gain import Loss
from .learned import Learned
from .pins import Pins
from .prompt import prompt_of
from .reason import Reason
from .routed import Routed
from .settings import Config
from .shipped import Prior
from .tasks import task_type
from .wishes import Wishes

_PRIOR_SHARE: Final = 0.5
_MOST_PRIOR: Final = 0.1
"""Of what is shipped: models behind one alias are nearer to each other than those that it was measured on."""


class Router:
    """Decides on what is known as of now. ``slow`` gives the seconds within which 95 of 100 of its answers came;
    ``priors`` by task are what an unknown model is taken to lose to the default.
    """

    def __init__(
        self,
        config: Config,
        gateway: Gateway,
        *,
        name: str,
        learned: Learned,
        pins: Pins,
        slow: Callable[[Deployment], float | None],
        priors: Mapping[str, Prior],
    ) -> None:
        self._config = config
        self._gateway = gateway
        self._name = name
        self._learned = learned
        self._pins = pins
        self._priors = priors
        self._caution = Caution(confidence=config.confidence, min_labels=config.min_labels)
        self._survey = Survey(gateway=gateway, quality=self.quality, slow=slow)

    def quality(self, deployment: Deployment, task: str) -> float | None:
        """The operator's own figure, or what has been published; None where there is neither."""
        stated = self._config.stated(deployment.model, task)
        if stated is not None:
            return stated
        family = published(deployment.upstream_model)
        return None if family is None else family.quality(task)

    async def route(self, call: Call, plan: Plan, wishes: Wishes) -> tuple[Plan, Routed] | Reply:
        """The reply is a 400: no model can do what the call needs, or none as it wants it.

        In a replay the words are not there; what was made of them the recorded reason tells.
        """
        prompt = prompt_of(call)
        features = describe(prompt.text)
        looks = complexity(features)
        known = None if call.recorded is None else Reason.read(call.recorded.route or "", self._name)
        task = task_type(features) if known is None else known.task
        if known is not None:
            looks = replace(looks, level=level_of(known.level))
        found = self._survey.of(plan.deployments, prompt, task, self._gateway.prompt_tokens(call))
        decision = self._decided(call, found, features, task, wishes)
        if decision.selected is None:
            return refusal(call.model, decision)
        model, why, pinned = decision.selected.model, decision.why, False
        before = await self._pins.find(prompt.conversation) if prompt.continued else None
        if before is not None and any(one.model == before and one.verdict != "avoided" for one in decision.fit):
            model, why, pinned = before, "its conversation is there", True
        if not call.dry_run:
            self._pins.keep(prompt.conversation, model)
        routed = Routed(
            prompt=prompt,
            features=features,
            task=task,
            complexity=looks,
            wishes=wishes,
            decision=decision,
            model=model,
            why=why,
            pinned=pinned,
        )
        return self._ordered(plan, routed), routed

    def baseline(self, plan: Plan, routed: Routed) -> Deployment | None:
        """Where the call would have gone without the router."""
        return next((one for one in plan.deployments if one.model == routed.decision.reference), None)

    def _decided(
        self, call: Call, found: tuple[Candidate, ...], features: Features, task: str, wishes: Wishes
    ) -> Decision:
        alias, organization = self._config.aliases[call.model], call.caller.organization

        def loss(candidate: Candidate, reference: Candidate) -> Loss:
            believed = self._learned.loss(organization, candidate, reference, task, self._prior(task))
            floor = wishes.min_quality
            allowed = self._learned.allowed(organization, candidate.model, reference.model, features, floor)
            return believed if allowed is None else believed._replace(allowed=allowed)

        return decide(
            found, default=alias.default or found[0].model, wishes=wishes, caution=self._caution, loss_of=loss
        )

    def _prior(self, task: str) -> float:
        return max(0.0, min(_MOST_PRIOR, _PRIOR_SHARE * self._priors[task].gain))

    def _ordered(self, plan: Plan, routed: Routed) -> Plan:
        reason = Reason(
            entry=self._name, task=routed.task, level=routed.complexity.level, model=routed.model, why=routed.why
        )
        fit = {one.model for one in routed.decision.fit}
        places = places_of([routed.model, *(one.model for one in routed.decision.judged)])
        if len(fit) < len(routed.decision.judged):
            left_out = [one.model for one in routed.decision.judged if one.model not in fit]
            plan = plan.keep(lambda one: one.model in fit, why=f"{self._name}: not {', '.join(left_out)}")
        return plan.rank(lambda one: places[one.model], why=str(reason))


def places_of(models: Iterable[str]) -> dict[str, int]:
    """Each name's place, its first."""
    places: dict[str, int] = {}
    for model in models:
        places.setdefault(model, len(places))
    return places


def refusal(alias: str, decision: Decision) -> Reply:
    """That no model can answer: what each is unfit for."""
    each = "; ".join(f"{one.model}: {one.unfit}" for one in decision.judged)
    return Reply.error(
        400, f"No model behind {alias[:200]!r} can answer this call as it is asked. {each}.", code="no_capable_model"
    )
