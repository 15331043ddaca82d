"""What a call may cost, for those who must not spend more: a careful estimate, and what it cannot exceed.

The estimate is what a budget must have room for. The other is held until the call has ended, so that of all calls under
way together only one can cost more than was thought.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hooks import Call, Deployment, Gateway, Usage

from .ceilings import MOST_NANO
from .demand import Demand

_MARGIN: Final = 4
"""A quarter is added to the estimate of the prompt, which is off by 10 % on average."""
_UNKNOWN_ANSWER: Final = 4
"""How many times `completion_tokens` an answer may be long of which nothing is known."""
_UNKNOWN_CONTEXT: Final = 131_072
_TOOLS: Final = 1024
"""What providers write into the prompt when there are tools (Anthropic: up to some 700 tokens)."""
_ELSEWHERE: Final = re.compile(
    rb'"(?:url|image_url|file_url|file_id|file_data|input_audio|previous_response_id|conversation|web_search_options)"'
    rb"\s*:"
)
"""Members by which something comes into the prompt whose tokens are not to be read off the request's length.

Within a text the quotation marks would be escaped.
"""
_LENGTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
}
_FADES: Final = 0.99


class Surprises:
    """By how much calls have cost more than they could, as was thought: by deployment, in this process.

    What is learned fades with each call that keeps within what was held for it.
    """

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def note(self, deployment: str, held: int, cost: int) -> None:
        before = self._times.get(deployment, 1.0)
        if cost > held > 0:
            self._times[deployment] = max(before, before * cost / held)
        elif before > 1:
            self._times[deployment] = max(1.0, before * _FADES)

    def times(self, deployments: Sequence[Deployment]) -> float:
        if not self._times:
            return 1.0
        return max((self._times.get(one.id, 1.0) for one in deployments), default=1.0)


def bounded(
    demand: Demand, call: Call, gateway: Gateway, deployments: Sequence[Deployment], cap: int, surprises: Surprises
) -> Demand:
    """The demand with what budgets go by: of the dearest deployment, 0 where no price is known."""
    body = call.payload.peek()
    needed = held = 0
    for one in deployments:
        traits = gateway.traits(one)
        careful = demand.prompt + -(-demand.prompt // _MARGIN)
        most = max(careful, _longest_prompt(call, body, traits.context_tokens))
        expected, longest = _answer(call, body, cap, traits.output_tokens)
        if traits.context_tokens is not None:
            careful, most = min(careful, traits.context_tokens), min(most, traits.context_tokens)
        usage = Usage(prompt_tokens=careful, completion_tokens=expected, reported=False)
        cost = gateway.cost(one, usage)
        if cost is None:
            continue
        needed = max(needed, cost)
        held = max([held, *_costs(gateway, one, call, most, longest)])
    needed = min(needed, MOST_NANO)
    held = min(max(needed, int(held * surprises.times(deployments))), MOST_NANO)
    return Demand(prompt=demand.prompt, completion=demand.completion, cost=demand.cost, needed=needed, held=held)


def _costs(gateway: Gateway, deployment: Deployment, call: Call, prompt: int, completion: int) -> Iterator[int]:
    """At ordinary rates, and at those of what may be dearer: tokens that are written to a cache, and thought."""
    ordinary = Usage(prompt_tokens=prompt, completion_tokens=completion, reported=False)
    written = prompt if b'"cache_control"' in call.payload.raw else 0
    dearer = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_write_tokens=written,
        reasoning_tokens=completion,
        reported=False,
        apart=("cache_write_1h",) if written else (),
    )
    for one in (ordinary, dearer):
        cost = gateway.cost(deployment, one)
        if cost is not None:
            yield cost


def _longest_prompt(call: Call, body: Mapping[str, Any], context: int | None) -> int:
    """No token has less than a byte, and what providers write around messages is shorter than the JSON there."""
    raw, tools = call.payload.raw, body.get("tools")
    if _ELSEWHERE.search(raw) or _runs_tools(tools):
        return max(len(raw), context or _UNKNOWN_CONTEXT)
    return len(raw) + (_TOOLS if tools else 0)


def _runs_tools(tools: Any) -> bool:
    """Whether the provider itself runs some, whose results it puts into the prompt."""
    return isinstance(tools, list) and any(
        isinstance(tool, dict) and tool.get("type", "function") not in ("function", "custom") for tool in tools
    )


def _answer(call: Call, body: Mapping[str, Any], cap: int, known: int | None) -> tuple[int, int]:
    """Tokens of all choices together: those that are expected, and as many as there can be.

    A stream is expected to need what is reserved for it at first: it takes more while it runs, or ends.
    """
    if call.api == "embeddings":
        return 0, 0
    names = _LENGTHS.get(call.api, ("max_tokens",))
    asked = max((number for name in names if type(number := body.get(name)) is int and number >= 0), default=None)
    longest = asked if asked is not None else known if known is not None else _UNKNOWN_ANSWER * cap
    if known is not None:
        longest = min(longest, known)
    expected = longest if asked is not None or known is not None else cap
    if call.stream:
        expected = min(expected, cap)
    choices = max([1, *(number for name in ("n", "best_of") if type(number := body.get(name)) is int)])
    return expected * choices, longest * choices
