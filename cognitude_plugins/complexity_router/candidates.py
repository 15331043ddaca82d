"""The models that a call could go to, with all that they are chosen by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple, TypeVar

from hooks import Deployment, Gateway, Traits, Usage

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
        gateway, away = self.gateway, True
        quality: float | None = None
        cost: int | None = None
        seconds: float | None = None
        slow: float | None = None
        lacks: tuple[str, ...] | None = None
        longest: float = 0
        for one in deployments:
            vitals, traits = gateway.vitals(one), gateway.traits(one)
            context = traits.context_tokens
            away = away and vitals.state == "open"
            quality = _more(quality, self.quality(one, task))
            cost, seconds = _less(cost, gateway.cost(one, usage)), _less(seconds, vitals.seconds)
            slow = _less(slow, self.slow(one))
            longest = max(longest, inf if context is None else context)
            if lacks != ():
                missing = _lacking(traits, prompt, tokens)
                lacks = missing if lacks is None or not missing else lacks
        avoid = ""
        if away:
            avoid = "none of its deployments answers at present"
        elif tokens > longest:
            avoid = f"the prompt has about {tokens} tokens, its context {longest}"
        return Candidate(model, quality, cost, seconds, slow, lacks or (), avoid)


def _lacking(traits: Traits, prompt: Prompt, tokens: int) -> tuple[str, ...]:
    """Whether a prompt is too long is an estimate, and the provider's to say unless it is far too long."""
    far_too_long = traits.context_tokens is not None and tokens > _SURELY * traits.context_tokens
    if not prompt.needs and not far_too_long:
        return ()
    missing = [need for need in sorted(prompt.needs) if traits.can(need) is False]
    return (*missing, f"a context of {tokens} tokens") if far_too_long else tuple(missing)


def _more(one: float | None, other: float | None) -> float | None:
    """The greater, None being none."""
    if one is None or other is None:
        return other if one is None else one
    return one if one >= other else other


def _less(one: T | None, other: T | None) -> T | None:
    """The lesser, None being none."""
    if one is None or other is None:
        return other if one is None else one
    return one if one <= other else other
