"""A message as an e-mail: plain text and HTML, with headers by which the mails of one alert belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from html import escape
from typing import Final

from hooks import Message, Part

from .wording import headline, lines, one_line, origin, plain, shortened

_MOST_SUBJECT: Final = 200
# Not every server takes eight bits.
_POLICY: Final = SMTP.clone(cte_type="7bit")
_STYLE: Final = "font-family:sans-serif;font-size:14px"


def mail(message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The addresses are taken to be sound; every other text may be anything."""
    made, domain = EmailMessage(policy=_POLICY), sender.rpartition("@")[2]
    made["From"] = Address(addr_spec=sender)
    made["To"] = tuple(Address(addr_spec=one) for one in recipients)
    made["Subject"] = _subject(message)
    made["Date"] = message.at
    made["Message-ID"] = f"<{_safe(message.id)}@{domain}>"
    if message.about:
        # Nobody gets the mail of this id: that they all answer it is enough.
        thread = f"<{sha256(f'{message.organization} {message.about}'.encode()).hexdigest()[:40]}@{domain}>"
        made["In-Reply-To"] = made["References"] = thread
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content("\n".join(lines(message)) + "\n", charset="utf-8")
    made.add_alternative(html(message), subtype="html", charset="utf-8")
    return made


def html(message: Message) -> str:
    body = "".join(_elements(message))
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="{_STYLE}">{body}</body></html>\n'


def _elements(message: Message) -> Iterator[str]:
    yield f"<h2>{escape(headline(message))}</h2><p>{escape(origin(message))}</p>"
    if message.text:
        yield _paragraph(message.text)
    if message.facts:
        yield _table((), message.facts)
    for part in message.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    yield f"<h3>{escape(one_line(part.heading))}</h3>"
    if part.text:
        yield _paragraph(part.text)
    if part.rows:
        yield _table(part.columns, part.rows)


def _paragraph(text: str) -> str:
    return f"<p>{'<br>'.join(escape(line) for line in plain(text).split(chr(10)))}</p>"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th align="left">{escape(one_line(one))}</th>' for one in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(one_line(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table cellpadding="4">{f"<tr>{head}</tr>" if head else ""}{body}</table>'


def _subject(message: Message) -> str:
    """What looks like an encoded word (RFC 2047) would be decoded when it is set, into line breaks too."""
    return shortened(headline(message), _MOST_SUBJECT).replace("=?", "= ?")


def _safe(id: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-.") else "-" for one in id)
