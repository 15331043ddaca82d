"""Whether a call is let in: what it would take is asked for, and taken, in all of its limits at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hooks import Call, Deployment, Gateway, Reply

from .charge import Charge
from .counters import Closed, Counters
from .demand import NOTHING, Demand, demand_of
from .policies import Policies, Prepared
from .refusal import CLOSED, longest, never_fits, retry_ms
from .refused import Refusal, Refused
from .reservation import Reservation
from .rules import Rule
from .settings import Config


class Gate:
    """Of one process."""

    def __init__(
        self, config: Config, gateway: Gateway, policies: Policies, counters: Counters, refused: Refused
    ) -> None:
        self._cap = config.completion_tokens
        self._gateway = gateway
        self._models = gateway.models
        self._policies = policies
        self._counters = counters
        self._refused = refused

    async def ask(self, call: Call) -> Reservation | Reply | None:
        """A reservation when it is let in, the answer when it is not, None when no limit is for it."""
        prepared = self._policies.of(call.caller)
        if prepared.fixed is None:
            return await self._ask_each(prepared, call)
        if not prepared.rules:
            return None
        decided = await self._decide(prepared.tag, call, prepared.rules, prepared.fixed, NOTHING, "")
        return decided.answer(prepared.fixed, self._counters.now()) if isinstance(decided, Refusal) else decided

    async def _ask_each(self, prepared: Prepared, call: Call) -> Reservation | Reply | None:
        """Of the providers to which the call may go, where they have limits; those that are full are left out."""
        deployments = self._models.get(call.model, ())
        demand = self._demand(prepared, call, deployments)
        full: set[str] = set()
        answer: Reply | None = None
        for provider in _providers(prepared, deployments):
            model = call.model if deployments else ""
            rules, charges = self._policies.charges(prepared, call, model, demand, provider, self._counters.now())
            if not rules:
                return None
            decided = _never_fits(rules, charges) or await self._decide(
                prepared.tag, call, rules, charges, demand, provider
            )
            if not isinstance(decided, Refusal):
                if isinstance(decided, Reservation):
                    decided.full = frozenset(full)
                return decided
            if answer is None or decided.rule.scope != "provider":
                answer = decided.answer(charges, self._counters.now())
            if decided.rule.scope != "provider":
                return answer
            full.add(provider)
        return answer

    def _demand(self, prepared: Prepared, call: Call, deployments: Sequence[Deployment]) -> Demand:
        return demand_of(call, self._gateway, deployments, self._cap) if prepared.measured else NOTHING

    async def _decide(
        self,
        tag: str,
        call: Call,
        rules: tuple[Rule, ...],
        charges: tuple[Charge, ...],
        demand: Demand,
        provider: str,
    ) -> Reservation | Reply | Refusal | None:
        standing = self._refused.find(tag, charges, self._counters.now()) if self._refused else None
        if standing is not None:
            return standing
        try:
            verdict, local = await self._counters.reserve(tag, call.id, charges, dry=call.dry_run)
        except Closed:
            return CLOSED
        if verdict is None:
            return None
        if not verdict.refused:
            return Reservation(call.id, tag, rules, charges, verdict, demand, provider, local)
        index = longest(charges, verdict)
        return self._refused.note(tag, rules, charges, verdict, index, retry_ms(charges[index], verdict.states[index]))


def _never_fits(rules: Sequence[Rule], charges: Sequence[Charge]) -> Reply | None:
    for rule, charge in zip(rules, charges, strict=False):
        if charge.amount > charge.most:
            return never_fits(rule, charge)
    return None


def _providers(prepared: Prepared, deployments: Sequence[Deployment]) -> Iterator[str]:
    """Where the call may go, in order; only the first counts where no limit is a provider's."""
    if not prepared.by_provider or not deployments:
        return iter((deployments[0].provider if deployments else "",))
    return iter(dict.fromkeys(one.provider for one in deployments))
