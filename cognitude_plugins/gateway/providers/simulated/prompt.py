"""A chat request read: its text, its tokens, its tools, what was asked for last."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cognitude_plugins.gateway.codec import CODEC

from .request import BadRequest, required

Count = Callable[[str], int]

_LOW_DETAIL = 85
_HIGH_DETAIL = 765


def messages_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = required(body, "messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("Invalid 'messages': expected an array with at least one message.", param="messages")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest(
                f"Invalid 'messages[{index}]': expected an object with a role.", param=f"messages[{index}]"
            )
    return messages


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, of several parts joined by a line break."""
    content = message.get("content")
    if isinstance(content, list):
        texts = [part.get("text") or part.get("refusal") for part in content if isinstance(part, dict)]
        return "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def last_user_text(messages: list[dict[str, Any]]) -> str:
    return next((text_of(message) for message in reversed(messages) if message["role"] == "user"), "")


def prompt_tokens(messages: list[dict[str, Any]], tools: list[dict[str, Any]], count: Count) -> int:
    """As OpenAI's cookbook counts: 3 for each message and 3 for the answer's start, over those of the text.

    An image is 85 tokens in low detail, else 765: that of 1024 by 1024 pixels, whose size is not looked at.
    """
    total = 3
    for message in messages:
        total += 3 + count(message["role"]) + count(text_of(message))
        total += sum(_image_tokens(part) for part in _parts(message) if part.get("type") == "image_url")
        if message.get("tool_calls"):
            total += count(CODEC.dumps(message["tool_calls"]).decode())
    if tools:
        total += count(CODEC.dumps(tools).decode())
    return total


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _image_tokens(part: Mapping[str, Any]) -> int:
    image = part.get("image_url")
    return _LOW_DETAIL if isinstance(image, dict) and image.get("detail") == "low" else _HIGH_DETAIL


def tools_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The function tools: objects with a name and maybe parameters."""
    tools = body.get("tools")
    tools = [] if tools is None else tools
    if not isinstance(tools, list):
        raise BadRequest("Invalid 'tools': expected an array.", param="tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    return [function for function in functions if isinstance(function, dict) and isinstance(function.get("name"), str)]


def called_tools(body: Mapping[str, Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions this request is answered with calls of.

    One that ``tool_choice`` names; else those that the user's message names, if it is the last message: after a tool's
    result comes text. ``required`` calls the first when none is named. ``parallel_tool_calls: false`` leaves one.
    """
    tools, choice = tools_of(body), body.get("tool_choice")
    if choice == "none" or not tools:
        return []
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        name = choice["function"].get("name")
        forced = [tool for tool in tools if tool["name"] == name]
        if not forced:
            raise BadRequest(f"Invalid 'tool_choice': no tool is named {name!r:.80}.", param="tool_choice")
        return forced[:1]
    text = text_of(messages[-1]) if messages[-1]["role"] == "user" else ""
    named = [tool for tool in tools if re.search(rf"(?<!\w){re.escape(tool['name'])}(?!\w)", text)]
    if not named and choice == "required":
        named = tools[:1]
    return named[:1] if body.get("parallel_tool_calls") is False else named
