"""Receivers on loopback that take what is sent to them, or fail in any way that one can."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hooks import Message, Part

LOOPBACK = "127.0.0.0/8"
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)

HOSTILE = (
    "<!channel> <@U012AB3CD> <https://evil.example|click> & <b>bold</b>\r\nBcc: victim@example.com\r\n\r\n"
    "<script>alert(1)</script>\x00\u202e"
)
"""W2: what a channel must not take for anything but text."""


def message(title: str = "Error rate is 12 %", **more: Any) -> Message:
    values: dict[str, Any] = {
        "id": "msg_1",
        "kind": "firing",
        "at": NOW,
        "organization": "acme",
        "title": title,
        "severity": "critical",
        "about": "alert_1",
        "text": "More than 5 % for 5 minutes.",
        "facts": (("model", "gpt-4o"), ("value", "12 %")),
        "parts": (Part(heading="Models", columns=("model", "errors"), rows=(("gpt-4o", "12"), ("sim", "0"))),),
        "data": {"value": 0.12, "threshold": 0.05},
    }
    return Message(**{**values, **more})


def hostile_message() -> Message:
    part = Part(heading=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),), text=HOSTILE)
    facts = ((HOSTILE, HOSTILE),)
    return message(HOSTILE, organization=HOSTILE, text=HOSTILE, facts=facts, parts=(part,), about=HOSTILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes = b"", **headers: str) -> Answering:
    async def answering(request: Request, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answering


async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def slow_body(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def nonsense(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 hello\r\n\r\n")
    await writer.drain()


@dataclass
class Receiver:
    """``answers`` are used up from the first; the last stays."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[Answering] = field(default_factory=lambda: [answer(200, b"ok")])

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(path=head[0].split()[1], headers=headers, body=body)
        self.requests.append(request)
        await (self.answers[0] if len(self.answers) == 1 else self.answers.pop(0))(request, writer)


@asynccontextmanager
async def receiving(*answers: Answering) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    if answers:
        receiver.answers = list(answers)
    under_way: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            await receiver.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            under_way.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for one in tuple(under_way):
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """``ca`` is the file to trust it by."""

    ca: Path
    server: ssl.SSLContext


def certificate(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> Certificate:
    """One that it signs itself, good for that address; of the past with negative ``days``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    both = folder / f"{address}.pem"
    pem = made.public_bytes(Encoding.PEM)
    both.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    ca = folder / f"{address}.crt"
    ca.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return Certificate(ca=ca, server=context)


@dataclass
class MailServer:
    """``refuse`` are answers to a command (``RCPT:address`` to one recipient), with which it refuses."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.refuse:
            return self.refuse["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if f"RCPT:{address}" in self.refuse:
            return self.refuse[f"RCPT:{address}"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        found = message_from_bytes(content, policy=default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.refuse.get("QUIT") == "":
            server.transport.abort()
        return self.refuse.get("QUIT", "221 Bye")

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode(), session.ssl is not None))
        good = "AUTH" not in self.refuse
        return AuthResult(success=good, handled=good, message=None if good else self.refuse["AUTH"])


@asynccontextmanager
async def mailing(
    certificate: Certificate | None, *, implicit: bool = False, auth: bool = False
) -> AsyncIterator[MailServer]:
    """Offers STARTTLS with a certificate, unless it is used from the first byte."""
    found = MailServer()
    tls = None if certificate is None else certificate.server
    loop = asyncio.get_running_loop()

    def made() -> SMTP:
        return SMTP(
            found,
            tls_context=None if implicit else tls,
            authenticator=found.authenticate if auth else None,
            auth_require_tls=not implicit,
            ident="test",
        )

    server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls if implicit else None)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
