"""Slack: an incoming webhook, which takes one message a second."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from hooks import Answer, Message, Outbound, Pace, Part, Receipt, Unreachable

from .addresses import SecretUrl, check_url
from .receipts import receipt, unreached
from .wording import headline, one_line, origin, part_lines, plain, shortened

# https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/changelog/2018-truncating-really-long-messages
MOST_BLOCKS: Final = 50
MOST_HEADER: Final = 150
MOST_SECTION: Final = 3000
MOST_FIELDS: Final = 10
MOST_FIELD: Final = 2000
MOST_TEXT: Final = 4000
"""Of the fallback: Slack cuts it at 40 000 and advises 4 000."""

_SECONDS: Final = 20.0
_EVERY: Final = timedelta(seconds=1)
_WORDS: Final = {
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_blocks",
    "invalid_payload",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_team",
    "no_text",
    "posting_to_general_channel_denied",
    "rate_limited",
    "rollup_error",
    "team_disabled",
    "too_many_attachments",
    "user_not_found",
}
"""https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors"""


class Slack:
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        url: SecretUrl = Field(description="The incoming webhook's URL, https://hooks.slack.com/services/….")

    def __init__(self, config: Config) -> None:
        self._url = config.url

    @property
    def pace(self) -> Pace:
        """Of the webhook, whichever channels it is in."""
        address = sha256(self._url.get_secret_value().encode()).hexdigest()
        return Pace(of=f"slack:{address[:40]}", every=_EVERY)

    def check(self, outbound: Outbound) -> None:
        check_url(outbound, self._url)

    async def send(self, message: Message, outbound: Outbound, *, now: datetime) -> Receipt:
        url, content = self._url.get_secret_value(), orjson.dumps(payload(message))
        try:
            answer = await outbound.post(url, content, headers={"content-type": "application/json"}, timeout=_SECONDS)
        except Unreachable as error:
            return unreached(error)
        return read(answer, now)


def read(answer: Answer, now: datetime) -> Receipt:
    """Slack says what is wrong in a word."""
    word = answer.body[:64].decode("ascii", "replace").strip()
    return receipt(answer, now=now, final=(400, 403), gone=(404, 410), why=word if word in _WORDS else "")


def payload(message: Message) -> dict[str, Any]:
    """Within Slack's limits; whatever the texts are, they mention nobody and link nowhere."""
    blocks = [_header(message), _context(message)]
    if message.text:
        blocks.append(_section(plain(message.text)))
    for start in range(0, len(message.facts), MOST_FIELDS):
        blocks.append(_fields(message.facts[start : start + MOST_FIELDS]))
    for part in message.parts:
        blocks.append(_part(part))
    if len(blocks) > MOST_BLOCKS:
        blocks[MOST_BLOCKS - 1 :] = [_section("…")]
    text = "\n".join(one for one in (headline(message), plain(message.text)) if one)
    return {
        "text": shortened(text, MOST_TEXT, escaped),
        "blocks": blocks,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning, as it asks for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(message: Message) -> dict[str, Any]:
    text = shortened(headline(message), MOST_HEADER, escaped)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _context(message: Message) -> dict[str, Any]:
    return {"type": "context", "elements": [_text(origin(message), MOST_FIELD)]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text, MOST_SECTION)}


def _fields(facts: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"type": "section", "fields": [_text(f"{one_line(a)}\n{one_line(b)}", MOST_FIELD) for a, b in facts]}


def _part(part: Part) -> dict[str, Any]:
    return _section("\n".join(part_lines(part)))


def _text(text: str, most: int) -> dict[str, Any]:
    # Plain text has no empty form, and ``verbatim`` keeps Slack from making links of what looks like one.
    return {"type": "mrkdwn", "text": shortened(text, most, escaped) or " ", "verbatim": True}
