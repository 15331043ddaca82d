"""What a call asks of a model: the text to be judged by, its conversation, and what the model must be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from hooks import Call
from hooks.conversation import conversation_name

_MOST_CHARACTERS: Final = 200_000
_MOST_HASHED: Final = 20_000
_MOST_PARTS: Final = 256
_ASKING: Final = frozenset({"user", "human"})
_ANSWERS: Final = frozenset({"assistant", "model", "tool", "function"})
_VISION: Final = frozenset({"image_url", "input_image", "image"})
_AUDIO: Final = frozenset({"input_audio", "audio"})
_FILES: Final = frozenset({"file", "input_file", "document"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """``text`` is the question that the conversation began with: what a model is chosen by for all of it.

    ``conversation`` is a digest of who talks and about what, ``continued`` whether it may have begun before; ``needs``
    are of `hooks.CAPABILITIES`; ``answer_tokens`` what the client allows the answer, None without a limit.
    """

    text: str
    conversation: bytes
    continued: bool
    needs: frozenset[str]
    answer_tokens: int | None


def prompt_of(call: Call) -> Prompt:
    """Never raises, whatever is in the body."""
    body = call.payload.peek()
    turns = list(_turns(body))
    asked = [text for role, text in turns if role in _ASKING]
    text = asked[0] if asked else " ".join(text for _, text in turns)
    named = conversation_name(call)
    return Prompt(
        text=text[:_MOST_CHARACTERS],
        conversation=_conversation(call, named, turns),
        continued=any(role in _ANSWERS for role, _ in turns) or "previous_response_id" in body or named is not None,
        needs=frozenset(_needs(body)),
        answer_tokens=_limit(body),
    )


def _turns(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Role and text of each turn up to the first answer, and the role alone of the one after it."""
    for name in ("system", "instructions"):
        if text := text_of(body.get(name)):
            yield "system", text
    said = next((body[name] for name in ("messages", "input", "prompt") if body.get(name) is not None), "")
    if not isinstance(said, list) or not any(isinstance(one, dict) for one in said):
        yield "user", text_of(said)
        return
    for turn in said[:_MOST_PARTS]:
        if isinstance(turn, dict):
            role = str(turn.get("role", "user"))
            yield role, text_of(turn.get("content"))
            if role in _ANSWERS:
                return


def text_of(content: Any) -> str:
    """A message's content as text: its text parts, if it is in parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = []
    for part in content[:_MOST_PARTS]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            parts.append(text)
    return "\n".join(parts)


def _conversation(call: Call, named: str | None, turns: list[tuple[str, str]]) -> bytes:
    """Of the client's own name for it, or else of what it began with."""
    parts = [text for role, text in turns if role not in _ANSWERS] if named is None else [named]
    caller = call.caller
    whole = (caller.organization, caller.user or caller.key, call.model, *parts)
    # With their lengths, so that no two lists come to the same text.
    text = "".join([f"{len(part)}:{part[:_MOST_HASHED]}" for part in whole])
    return blake2b(text[:_MOST_CHARACTERS].encode(errors="replace"), digest_size=16).digest()


def _needs(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("tools") or body.get("functions"):
        yield "tools"
    if _asks_for_schema(body.get("response_format")) or _asks_for_schema(_inside(body.get("text"), "format")):
        yield "json_schema"
    if body.get("reasoning_effort") not in (None, "none", "minimal") or _inside(body.get("reasoning"), "effort"):
        yield "reasoning"
    kinds = set(_kinds(body))
    for need, names in (("vision", _VISION), ("audio", _AUDIO), ("pdf", _FILES)):
        if kinds & names:
            yield need


def _asks_for_schema(wanted: Any) -> bool:
    return isinstance(wanted, dict) and wanted.get("type") == "json_schema"


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _kinds(body: Mapping[str, Any]) -> Iterator[str]:
    """The types of all parts of all messages."""
    for name in ("messages", "input"):
        said = body.get(name)
        for turn in said if isinstance(said, list) else ():
            content = turn.get("content") if isinstance(turn, dict) else None
            for part in content if isinstance(content, list) else ():
                kind = part.get("type") if isinstance(part, dict) else None
                if isinstance(kind, str):
                    yield kind


def _limit(body: Mapping[str, Any]) -> int | None:
    given = [body.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens")]
    known = [one for one in given if type(one) is int and one > 0]
    return min(known) if known else None
