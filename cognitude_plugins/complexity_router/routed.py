"""One call with its decision, as the plugin remembers it until the answer has left."""

from __future__ import annotations

from dataclasses import dataclass

from hooks import Call

from .complexity import Complexity
from .decide import Decision
from .features import Features
from .prompt import Prompt
from .wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """``model`` is where the call is sent first: the decision's, or that which its conversation has (``pinned``)."""

    prompt: Prompt
    features: Features
    task: str
    complexity: Complexity
    wishes: Wishes
    decision: Decision
    model: str
    why: str
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``call`` as it came down to the router, without its ``routing``; ``routed`` from the decision on."""

    wishes: Wishes
    call: Call
    routed: Routed | None = None
