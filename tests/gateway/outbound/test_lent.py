"""What plugins reach others with: requests and sockets that go to permitted addresses only, and end in time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event

import pytest
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cognitude_plugins.gateway.outbound.addresses import networks
from cognitude_plugins.gateway.outbound.guard import Guard
from cognitude_plugins.gateway.outbound.lent import GuardedOutbound
from hooks import Unreachable
from hooks.outbound import ANSWER_BYTES
from tests.gateway.outbound.test_guard import CLOSED, LITERALS, OPEN, RESOLVED, Answers, listening
from tests.gateway.outbound.test_url import HOSTILE

PATH = "services/T0/secret-path?sig=secret-query"


@asynccontextmanager
async def outbound(guard: Guard = OPEN, resolver: AbstractResolver | None = None) -> AsyncIterator[GuardedOutbound]:
    made = GuardedOutbound(guard, resolver=resolver)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def answering(
    answer: Callable[[bytes, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server on 127.0.0.53 that does what ``answer`` does with the request's head."""
    under_way: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            await answer(await reader.readuntil(b"\r\n\r\n"), writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            under_way.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.53", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in tuple(under_way):
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def head(status: str, *more: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "connection: close", *more, "", ""]).encode()


@pytest.mark.parametrize("url", [one for one in HOSTILE if "?" not in one])
async def test_a_hostile_url_is_refused_before_anything_is_resolved(url: str) -> None:
    resolver = Answers([["127.0.0.53"]])
    async with outbound(Guard(), resolver) as made:
        with pytest.raises(ValueError, match=r"^(must|has) "):
            await made.post(url, b"{}", headers={})
    assert resolver.asked == 0


@pytest.mark.parametrize("guard", [CLOSED, OPEN], ids=["closed", "open"])
@pytest.mark.parametrize("host", LITERALS)
async def test_this_machine_is_neither_asked_nor_connected_to(host: str, guard: Guard) -> None:
    async with listening() as listener, outbound(guard) as made:
        with pytest.raises((ValueError, Unreachable)):
            await made.post(f"http://{host}:{listener.port}/{PATH}", b"{}", headers={})
        with pytest.raises(Unreachable):
            (await made.connect(host, listener.port)).close()
        assert listener.came_to == []


@pytest.mark.parametrize("address", RESOLVED)
async def test_a_name_that_leads_inside_is_forbidden(address: str) -> None:
    async with listening() as listener, outbound(resolver=Answers([[address]])) as made:
        with pytest.raises(Unreachable, match=r"hooks\.example\.com leads to an address") as asked:
            await made.post(f"http://hooks.example.com:{listener.port}/{PATH}", b"{}", headers={})
        with pytest.raises(Unreachable, match=r"mail\.example\.com leads to an address") as connected:
            await made.connect("mail.example.com", listener.port)
        assert (asked.value.fault, connected.value.fault) == ("forbidden", "forbidden")
        assert listener.came_to == []


async def test_a_resolver_that_changes_its_mind_gains_nothing() -> None:
    """The socket goes to the address that was checked; the next one is checked anew."""
    rebinding = Answers([["127.0.0.53"], ["127.0.0.1"]])
    async with listening() as listener, outbound(resolver=rebinding) as made:
        (await made.connect("mail.example.com", listener.port)).close()
        with pytest.raises(Unreachable, match="leads to an address"):
            await made.connect("mail.example.com", listener.port)
        await listener.ended.wait()
        assert rebinding.asked == 2
        assert listener.came_to == ["127.0.0.53"]


async def test_of_a_mixed_answer_only_the_permitted_address_is_connected_to() -> None:
    mixed = Answers([["::1", "127.0.0.1", "127.0.0.53"]])
    async with listening() as listener, outbound(resolver=mixed) as made:
        answer = await made.post(f"http://hooks.example.com:{listener.port}/{PATH}", b"{}", headers={})
        with closing(await made.connect("mail.example.com", listener.port)) as opened:
            assert opened.getpeername()[0] == "127.0.0.53"
            listener.ended.clear()
        await listener.ended.wait()
        assert (answer.status, answer.body) == (200, b"ok")
        assert set(listener.came_to) == {"127.0.0.53"}


async def test_what_is_sent_and_answered_arrives_as_it_is() -> None:
    heard: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        heard.append(request)
        writer.write(head("418 I'm a teapot", "X-One: 1", "content-length: 5", "content-encoding: gzip") + b"hello")
        await writer.drain()

    async with answering(answer) as port, outbound() as made:
        found = await made.post(f"http://127.0.0.53:{port}/a%2Fb/?x=%20&y=/", b"{}", headers={"webhook-id": "msg_1"})
    assert (found.status, found.headers["x-one"], found.body) == (418, "1", b"hello")
    assert heard[0].startswith(b"POST /a%2Fb/?x=%20&y=/ HTTP/1.1\r\n")
    assert b"\r\nwebhook-id: msg_1\r\n" in heard[0]
    assert b"cookie" not in heard[0].lower()


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    came: list[bytes] = []

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        came.append(request)
        writer.write(head("302 Found", "location: http://127.0.0.1/", "set-cookie: a=b", "content-length: 0"))
        await writer.drain()

    async with answering(answer) as port, outbound() as made:
        for _ in range(2):
            assert (await made.post(f"http://127.0.0.53:{port}/", b"{}", headers={})).status == 302
    assert len(came) == 2
    assert b"cookie" not in came[1].lower()


async def test_of_an_endless_body_only_the_beginning_is_read() -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK"))
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with answering(answer) as port, outbound() as made:
        found = await made.post(f"http://127.0.0.53:{port}/", b"{}", headers={})
    assert len(found.body) == ANSWER_BYTES


async def silent(request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def slow(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "content-length: 1000"))
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def no_http(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "fault"), [(silent, "timeout"), (slow, "timeout"), (reset, "connection"), (no_http, "connection")]
)
async def test_what_goes_wrong_is_said_without_the_url(answer: object, fault: str) -> None:
    async with answering(answer) as port, outbound() as made:  # type: ignore[arg-type]
        with pytest.raises(Unreachable) as caught:
            await made.post(f"http://127.0.0.53:{port}/{PATH}", b"{}", headers={}, timeout=0.3)
    assert caught.value.fault == fault
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


async def test_nobody_listening_is_a_fault_of_the_connection() -> None:
    async with answering(silent) as port:
        pass
    async with outbound() as made:
        with pytest.raises(Unreachable, match="cannot be reached") as asked:
            await made.post(f"http://127.0.0.53:{port}/{PATH}", b"{}", headers={})
        with pytest.raises(Unreachable) as connected:
            await made.connect("127.0.0.53", port)
    assert (asked.value.fault, connected.value.fault) == ("connection", "connection")


async def test_the_loops_own_threads_do_not_wait_for_names() -> None:
    held = Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    waiting = asyncio.create_task(asyncio.to_thread(held.wait, 20))
    await asyncio.sleep(0)
    async with answering(silent) as port, outbound() as made:
        with pytest.raises(Unreachable) as connected:
            await made.connect("nobody.invalid", port, timeout=5)
        with pytest.raises(Unreachable) as asked:
            await made.post(f"http://nobody.invalid:{port}/", b"{}", headers={}, timeout=5)
        assert (connected.value.fault, asked.value.fault) == ("connection", "connection")
    held.set()
    await waiting


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For 127.0.0.53, signed by itself: the server's side, and that of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.53"))]), critical=False)
        .sign(key, SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=made.public_bytes(Encoding.PEM).decode())


async def test_a_certificate_that_nobody_vouches_for_is_a_fault_and_one_that_is_trusted_is_none(tmp_path: Path) -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", "content-length: 2") + b"ok")
        await writer.drain()

    server, trust = certificate(tmp_path)
    guard = Guard(allow=networks(["127.0.0.53/32"]))
    trusting = GuardedOutbound(guard, trust=trust)
    async with answering(answer, server) as port, outbound(guard) as made:
        with pytest.raises(Unreachable) as caught:
            await made.post(f"https://127.0.0.53:{port}/{PATH}", b"{}", headers={})
        found = await trusting.post(f"https://127.0.0.53:{port}/{PATH}", b"{}", headers={})
        await trusting.close()
    assert caught.value.fault == "tls"
    assert found.body == b"ok"
