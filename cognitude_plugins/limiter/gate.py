"""Whether a call is let in: what it would take is asked for, and taken, in all of its limits at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hooks import Call, Deployment, Gateway, Reply

from .bound import Surprises, bounded
from .ceilings import elsewhere
from .charge import Charge
from .counters import Closed, Counters
from .demand import NOTHING, Demand, demand_of
from .keeper import Keeper
from .packing import marked
from .policies import Policies, Prepared
from .refusal import CLOSED, longest, never_fits
from .refused import Refusal, Refused
from .reservation import Reservation
from .rules import Rule
from .settings import Config


class Gate:
    """Of one process."""

    def __init__(
        self,
        config: Config,
        gateway: Gateway,
        policies: Policies,
        counters: Counters,
        refused: Refused,
        budgets: Keeper | None = None,
    ) -> None:
        self._cap = config.completion_tokens
        self._gateway = gateway
        self._models = gateway.models
        self._policies = policies
        self._counters = counters
        self._refused = refused
        self._ceilings = gateway.ceilings
        self._budgets = budgets or Keeper(gateway, policies, counters, refused)
        self.surprises = Surprises()

    async def ask(self, call: Call) -> Reservation | Reply | None:
        """A reservation when it is let in, the answer when it is not, None when no limit is for it."""
        if self._ceilings.version != self._budgets.version:
            await self._budgets.take()
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
                    decided.full = frozenset(full | decided.spent_elsewhere())
                return decided
            if answer is None or decided.rule.scope != "provider":
                answer = decided.answer(charges, self._counters.now())
            if decided.rule.scope != "provider":
                return answer
            full.add(provider)
        return answer

    def _demand(self, prepared: Prepared, call: Call, deployments: Sequence[Deployment]) -> Demand:
        if not prepared.measured:
            return NOTHING
        demand = demand_of(call, self._gateway, deployments, self._cap)
        if prepared.budgets is None:
            return demand
        return bounded(demand, call, self._gateway, deployments, self._cap, self.surprises)

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
        id = call.id if not demand.held else _marked(call.id, rules, charges, demand, provider)
        try:
            verdict, local = await self._counters.reserve(tag, id, charges, dry=call.dry_run)
        except Closed:
            return CLOSED
        if verdict is None:
            return None
        if rules[-1].ceiling is not None and not local:
            self._budgets.compare(rules, charges, verdict)
        if not verdict.refused:
            return Reservation(id, tag, rules, charges, verdict, demand, provider, local)
        return self._refused.note(tag, rules, charges, verdict, *longest(rules, charges, verdict))


def _marked(id: str, rules: Sequence[Rule], charges: Sequence[Charge], demand: Demand, provider: str) -> str:
    """Of a call that holds a part of budgets: if this process dies, that is found by it."""
    pairs = zip(rules, charges, strict=False)
    subjects = [one.subject for rule, one in pairs if rule.ceiling is not None and not elsewhere(rule, provider)]
    return marked(id, demand.held, subjects) if subjects else id


def _never_fits(rules: Sequence[Rule], charges: Sequence[Charge]) -> Reply | None:
    for rule, charge in zip(rules, charges, strict=False):
        if charge.amount > charge.most and rule.ceiling is None:
            return never_fits(rule, charge)
    return None


def _providers(prepared: Prepared, deployments: Sequence[Deployment]) -> Iterator[str]:
    """Where the call may go, in order; only the first counts where no limit is a provider's."""
    if not prepared.by_provider or not deployments:
        return iter((deployments[0].provider if deployments else "",))
    return iter(dict.fromkeys(one.provider for one in deployments))
