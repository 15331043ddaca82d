"""The headers that tell a client how its limits stand, in the three dialects that clients read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .charge import Kind, State, Verdict
from .rules import Rule, usd


def rate_limit_headers(rules: tuple[Rule, ...], verdict: Verdict) -> dict[str, str]:
    """Of the limits of one call; empty without any.

    - ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset`` (seconds since 1970, the end of the window) of the limit that
      has the smallest part left, and for each window ``X-RateLimit-Limit-Minute``, ``-Remaining-Minute``; those of
      other units carry it (``-Tokens-Minute``, ``-Cost-Day`` in dollars, ``-Concurrency``).
    - OpenAI's ``x-ratelimit-limit-requests``, ``-remaining-requests``, ``-reset-requests`` (as Go writes durations)
      and those of tokens, of the shortest window.
    - ``RateLimit-Policy`` and ``RateLimit`` of draft-ietf-httpapi-ratelimit-headers.
    """
    if not rules:
        return {}
    plan = _plan(rules)
    if not plan.words:
        return {}
    now, states = verdict.now, verdict.states
    headers = plan.fixed.copy()
    left: list[str] = []
    least, at = 2.0, 0
    for index, words in enumerate(plan.words):
        remaining, reset, _ = states[index]
        part = remaining / words.rule.limit
        if part < least:
            least, at = part, index
        headers[words.remaining_name] = usd(remaining) if words.money else str(remaining)
        if words.policy:
            left.append(f"{words.title};r={remaining};t={(reset - now + 999) // 1000}" if reset
                        else f"{words.title};r={remaining}")  # fmt: skip
    for index, remaining_name, reset_name in plan.openai:
        headers[remaining_name] = str(states[index].remaining)
        headers[reset_name] = go_duration(states[index].reset - now)
    for indices in plan.contested:
        _show_tightest(headers, plan.words, states, indices)
    words = plan.words[at]
    headers["x-ratelimit-limit"] = words.limit
    headers["x-ratelimit-remaining"] = headers[words.remaining_name]
    if states[at].reset:
        headers["x-ratelimit-reset"] = str((states[at].reset + 999) // 1000)
    if left:
        headers["ratelimit"] = ", ".join(left)
    return headers


def go_duration(milliseconds: int) -> str:
    """As Go's ``time.Duration`` prints it, which is what OpenAI's headers have: ``6m0s``, ``1.5s``, ``20ms``."""
    if milliseconds <= 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds, ms = divmod(milliseconds, 1000)
    fraction = f".{ms:03d}".rstrip("0") if ms else ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds}{fraction}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


@dataclass(frozen=True, slots=True)
class _Words:
    """What of a rule's headers never changes."""

    rule: Rule
    title: str
    limit_name: str
    remaining_name: str
    limit: str
    policy: str
    money: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of several rules: the headers that never change, OpenAI's, and those rules that would be told under one name."""

    words: tuple[_Words, ...]
    fixed: dict[str, str]
    openai: tuple[tuple[int, str, str], ...]
    contested: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=10_000)
def _plan(rules: tuple[Rule, ...]) -> _Plan:
    """Made once: the rules of a key are the same objects at every call. Budgets, which come last, are not told of."""
    rules = tuple(rule for rule in rules if rule.ceiling is None)
    words = tuple(map(_words, rules))
    fixed = {one.limit_name: one.limit for one in reversed(words)}
    openai = []
    for unit in ("requests", "tokens"):
        index = next((index for index, rule in enumerate(rules) if rule.unit == unit), None)
        if index is not None:
            fixed[f"x-ratelimit-limit-{unit}"] = words[index].limit
            openai.append((index, f"x-ratelimit-remaining-{unit}", f"x-ratelimit-reset-{unit}"))
    policies = [one.policy for one in words if one.policy]
    if policies:
        fixed["ratelimit-policy"] = ", ".join(policies)
    names = [one.limit_name for one in words]
    contested = {name: tuple(at for at, one in enumerate(names) if one == name) for name in names}
    return _Plan(words, fixed, tuple(openai), tuple(indices for indices in contested.values() if len(indices) > 1))


def _show_tightest(
    headers: dict[str, str], words: Sequence[_Words], states: Sequence[State], indices: Sequence[int]
) -> None:
    """Of two limits of one name, that of a key and that of its organization say, the tighter one is told."""
    at = min(indices, key=lambda index: states[index].remaining / words[index].rule.limit)
    remaining = states[at].remaining
    headers[words[at].limit_name] = words[at].limit
    headers[words[at].remaining_name] = usd(remaining) if words[at].money else str(remaining)


def _words(rule: Rule) -> _Words:
    per = rule.per.capitalize()
    title = {"requests": per, "tokens": f"Tokens-{per}", "cost_usd": f"Cost-{per}"}.get(rule.unit, "Concurrency")
    name = f'"{rule.scope}-{rule.unit}{f"-{rule.per}" if rule.per else ""}"'
    return _Words(
        rule=rule,
        title=name,
        limit_name=f"x-ratelimit-limit-{title.lower()}",
        remaining_name=f"x-ratelimit-remaining-{title.lower()}",
        limit=usd(rule.limit) if rule.unit == "cost_usd" else str(rule.limit),
        policy=_policy(rule, name),
        money=rule.unit == "cost_usd",
    )


def _policy(rule: Rule, name: str) -> str:
    """Quotas are whole numbers there, so none of dollars."""
    if rule.unit == "cost_usd":
        return ""
    if rule.kind is Kind.LEASE:
        return f'{name};q={rule.limit};qu="concurrent-requests"'
    unit = ';qu="tokens"' if rule.unit == "tokens" else ""
    return f"{name};q={rule.limit};w={rule.window // 1000}{unit}"
