"""The connector that watches: whatever a URL says and a resolver answers, only permitted addresses are connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from cognitude_plugins.gateway.config import load
from cognitude_plugins.gateway.outbound.addresses import networks
from cognitude_plugins.gateway.outbound.guard import Guard, guard_of, was_refused

OPEN = Guard(allow=networks(["127.0.0.53/32"]), allow_http=True)
CLOSED = Guard(allow_http=True)


@dataclass
class Listener:
    """On all of the machine's addresses, IPv4 and IPv6, with a count of who came and where to."""

    port: int = 0
    came_to: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came_to.append(writer.get_extra_info("sockname")[0])
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            self.ended.set()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    made = Listener()
    server = await asyncio.start_server(made.serve, "0.0.0.0", 0)
    made.port = server.sockets[0].getsockname()[1]
    six = None
    if socket.has_ipv6:
        try:
            six = await asyncio.start_server(made.serve, "::", made.port)
        except OSError:
            six = None
    try:
        yield made
    finally:
        for one in (server, six):
            if one is not None:
                one.close()


@dataclass
class Answers(AbstractResolver):
    """A resolver that answers what it is told to, the last answer from then on."""

    answers: list[list[str]]
    asked: int = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


async def fetch(guard: Guard, url: str, resolver: AbstractResolver | None = None, times: int = 1) -> None:
    """Without the check of the URL, as if it had been passed: the connector stands alone."""
    connector = guard.connector(resolver, use_dns_cache=False, force_close=True)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        for _ in range(times):
            async with session.get(url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=5)) as response:
                assert await response.read() == b"ok"


LITERALS = ["127.0.0.1", "127.8.8.8", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"]
LITERALS += ["[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.1", "2130706433", "0x7f000001", "0x7f.1"]
LITERALS += ["0177.0.0.1", "017700000001", "127.0.0.1.", "１２７.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "[::1%25lo]", "0"]
LITERALS += ["localhost", "localhost.", "LOCALHOST", "ip6-localhost", "10.0.0.1", "169.254.169.254", "[fe80::1%25lo]"]

RESOLVED = ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1"]
RESOLVED += ["127.0.0.52", "127.0.0.54", "169.254.169.254", "10.0.0.1", "168.63.129.16", "fd00:ec2::254", "224.0.0.1"]


@pytest.mark.parametrize("guard", [CLOSED, OPEN], ids=["closed", "open"])
@pytest.mark.parametrize("host", LITERALS)
async def test_no_way_to_write_this_machine_into_a_url_reaches_it(host: str, guard: Guard) -> None:
    async with listening() as listener:
        with pytest.raises((aiohttp.ClientError, OSError, ValueError)):
            await fetch(guard, f"http://{host}:{listener.port}/v1")
        assert listener.came_to == []


@pytest.mark.parametrize("address", RESOLVED)
async def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    async with listening() as listener:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await fetch(OPEN, f"http://llm.example.com:{listener.port}/v1", Answers([[address]]))
        assert was_refused(caught.value)
        assert listener.came_to == []


async def test_a_name_with_several_inner_addresses_is_refused_as_such() -> None:
    async with listening() as listener:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await fetch(OPEN, f"http://llm.example.com:{listener.port}/", Answers([["::1", "127.0.0.1", "10.0.0.1"]]))
        assert was_refused(caught.value)
        assert listener.came_to == []


async def test_the_permitted_address_is_the_one_connected_to() -> None:
    async with listening() as listener:
        await fetch(OPEN, f"http://llm.example.com:{listener.port}/v1", Answers([["127.0.0.53"]]))
        await fetch(OPEN, f"http://127.0.0.53:{listener.port}/v1")
        assert listener.came_to == ["127.0.0.53", "127.0.0.53"]


async def test_of_a_mixed_answer_only_the_permitted_address_is_connected_to() -> None:
    async with listening() as listener:
        mixed = Answers([["127.0.0.1", "::1", "127.0.0.53", "127.0.0.2"]])
        await fetch(OPEN, f"http://llm.example.com:{listener.port}/v1", mixed)
        assert listener.came_to == ["127.0.0.53"]


async def test_a_resolver_that_changes_its_mind_gains_nothing() -> None:
    async with listening() as listener:
        rebinding = Answers([["127.0.0.53"], ["127.0.0.1"]])
        with pytest.raises(aiohttp.ClientConnectorError):
            await fetch(OPEN, f"http://llm.example.com:{listener.port}/v1", rebinding, times=2)
        assert rebinding.asked == 2
        assert listener.came_to == ["127.0.0.53"]


async def test_without_the_guard_the_same_requests_do_arrive() -> None:
    """Else the tests above would pass on a machine that reaches nothing."""
    async with listening() as listener:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "127.8.8.8"):
            async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{listener.port}/") as response:
                assert await response.read() == b"ok"
        assert len(listener.came_to) == 4


async def test_a_port_that_nobody_listens_on_is_not_taken_for_a_refusal() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.53", 0))
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await fetch(OPEN, f"http://127.0.0.53:{taken.getsockname()[1]}/")
        assert not was_refused(caught.value)


def test_the_guard_is_as_the_configuration_says(tmp_path: Path) -> None:
    file = tmp_path / "plugins.yaml"
    file.write_text("models: [{name: sim, provider: simulated/echo}]\npipeline: []\n")
    assert guard_of(load(file, {})) == Guard()
    file.write_text("gateway: {outbound: {allow: [10.0.0.0/8], allow_http: true}}\n" + file.read_text())
    assert guard_of(load(file, {})) == Guard(allow=networks(["10.0.0.0/8"]), allow_http=True)
