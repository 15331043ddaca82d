"""The models that a call could go to, with all that they are chosen by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from hooks import Deployment, Gateway, Usage

from .prompt import Prompt

T = TypeVar("T", int, float)

_SURELY: Final = 4
"""Times a context: so far off no estimate is."""
_TYPICAL_ANSWER_TOKENS: Final = 400
"""What an answer is taken for where the client allows more: about that of a chat."""


class Candidate(NamedTuple):
    """One model with its deployments, the best of which speaks for it.

    ``cost_nano_usd`` is the estimate for this call in billionths of a US dollar; ``seconds`` what its answers took
    typically, ``slow_seconds`` what 95 of 100 took at most; each None where nobody knows. ``quality`` is what is known
    of it for this kind of task before anything is seen. ``lacks`` says in words what it cannot do of what the call
    needs, ``avoid`` why it is better not called although it might answer, both empty for most.
    """

    model: str
    quality: float | None
    cost_nano_usd: int | None = None
    seconds: float | None = None
    slow_seconds: float | None = None
    lacks: tuple[str, ...] = ()
    avoid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Makes the candidates of a call.

    ``quality`` gives what is known of a deployment for a task, ``slow`` the seconds within which 95 of 100 of its
    answers came.
    """

    gateway: Gateway
    quality: Callable[[Deployment, str], float | None]
    slow: Callable[[Deployment], float | None]

    def of(self, deployments: Iterable[Deployment], prompt: Prompt, task: str, tokens: int) -> tuple[Candidate, ...]:
        """In the order in which their models first come; ``tokens`` is about how many the prompt has."""
        by_model: dict[str, list[Deployment]] = {}
        for deployment in deployments:
            by_model.setdefault(deployment.model, []).append(deployment)
        return tuple(self._candidate(model, found, prompt, task, tokens) for model, found in by_model.items())

    def _candidate(
        self, model: str, deployments: Sequence[Deployment], prompt: Prompt, task: str, tokens: int
    ) -> Candidate:
        answer = min(prompt.answer_tokens or _TYPICAL_ANSWER_TOKENS, _TYPICAL_ANSWER_TOKENS)
        usage = Usage(prompt_tokens=tokens, completion_tokens=answer)
        gateway, available = self.gateway, False
        quality: float | None = None
        cost: int | None = None
        seconds: float | None = None
        slow: float | None = None
        lacks: tuple[str, ...] | None = None
        for one in deployments:
            vitals = gateway.vitals(one)
            available = available or vitals.state != "open"
            known = self.quality(one, task)
            quality = known if quality is None or (known is not None and known > quality) else quality
            cost, seconds = _less(cost, gateway.cost(one, usage)), _less(seconds, vitals.seconds)
            slow = _less(slow, self.slow(one))
            if lacks != ():
                missing = self._lacks(one, prompt, tokens)
                lacks = missing if lacks is None or not missing else lacks
        return Candidate(
            model=model,
            quality=quality,
            cost_nano_usd=cost,
            seconds=seconds,
            slow_seconds=slow,
            lacks=lacks or (),
            avoid=self._avoided(deployments, tokens) if available else "none of its deployments answers at present",
        )

    def _lacks(self, deployment: Deployment, prompt: Prompt, tokens: int) -> tuple[str, ...]:
        traits = self.gateway.traits(deployment)
        missing = [need for need in sorted(prompt.needs) if traits.can(need) is False] if prompt.needs else []
        if traits.context_tokens is not None and tokens > _SURELY * traits.context_tokens:
            missing.append(f"a context of {tokens} tokens")
        return tuple(missing)

    def _avoided(self, deployments: Sequence[Deployment], tokens: int) -> str:
        """The length of a prompt is an estimate: whether it fits is the provider's to say."""
        contexts = [self.gateway.traits(one).context_tokens for one in deployments]
        longest = None if None in contexts else max(one for one in contexts if one is not None)
        tight = longest is not None and tokens > longest
        return f"the prompt has about {tokens} tokens, its context {longest}" if tight else ""


def _less(one: T | None, other: T | None) -> T | None:
    """The lesser, None being none."""
    if one is None or other is None:
        return other if one is None else one
    return one if one <= other else other
