"""A request body is bounded in every direction, and nothing but a refusal or a hang-up comes out of reading it."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterable, MutableMapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognitude_plugins.gateway.lifeline import Lifeline
from cognitude_plugins.gateway.request_body import BodyLimits, HungUp, Refused, parse_object, read_body
from cognitude_plugins.gateway.under_way import UnderWay
from hooks import Reply

LIMITS = BodyLimits(size=1000, depth=64, seconds=0.1)


class Sender:
    """A client's body in parts. After the last part it hangs up, or is silent if ``silent``."""

    def __init__(self, parts: Iterable[bytes], *, complete: bool = True, silent: bool = False) -> None:
        self.parts = list(parts)
        self.complete, self.silent = complete, silent
        self.taken = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        if self.taken < len(self.parts):
            self.taken += 1
            more = self.taken < len(self.parts) or not self.complete
            return {"type": "http.request", "body": self.parts[self.taken - 1], "more_body": more}
        if self.silent:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}


async def read(*parts: bytes, limits: BodyLimits = LIMITS, **headers: str) -> bytes:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return await read_body(Sender(parts), raw, limits, Lifeline())


async def refused(*parts: bytes, **headers: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        await read(*parts, **headers)
    return caught.value.reply.status, caught.value.reply.body["error"]["code"]


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await read(b'{"a"', b"", b":1}") == b'{"a":1}'
    assert await read(b"") == b""


async def test_a_length_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    sender = Sender([b"x"])
    with pytest.raises(Refused) as caught:
        await read_body(sender, [(b"content-length", b"1001")], LIMITS, Lifeline())
    assert (caught.value.reply.status, sender.taken) == (413, 0)


@pytest.mark.parametrize("length", ["9" * 5000, "9" * 19, "1" + "0" * 18])
async def test_a_length_beyond_all_numbers_is_refused(length: str) -> None:
    assert await refused(b"x", content_length=length) == (413, "request_too_large")


async def test_a_length_that_lies_is_not_believed() -> None:
    assert await refused(b"x" * 600, b"x" * 600, content_length="5") == (413, "request_too_large")
    assert await read(b"abc", content_length="900") == b"abc"
    assert await read(b"abc", content_length="many") == b"abc"


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large() -> None:
    sender = Sender([b"x" * 400] * 100)
    with pytest.raises(Refused) as caught:
        await read_body(sender, [], LIMITS, Lifeline())
    assert (caught.value.reply.status, sender.taken) == (413, 3)


async def test_a_body_of_just_the_limit_is_read() -> None:
    assert len(await read(b"x" * 1000)) == 1000
    assert await refused(b"x" * 1001) == (413, "request_too_large")
    assert len(await read(gzip.compress(b"x" * 1000), content_encoding="gzip")) == 1000


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity"])
async def test_a_compressed_body_is_read(coding: str) -> None:
    pack = {"deflate": zlib.compress, "identity": bytes}.get(coding, gzip.compress)
    assert await read(pack(b'{"a":1}'), content_encoding=coding) == b'{"a":1}'


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_refused_without_being_unpacked(coding: str) -> None:
    bomb = (gzip.compress if coding == "gzip" else zlib.compress)(b"0" * 50_000_000)
    limits = BodyLimits(size=200_000, depth=64, seconds=5)
    with pytest.raises(Refused) as caught:
        await read(bomb, limits=limits, content_encoding=coding)
    assert caught.value.reply.status == 413


def packed(raw: bytes) -> bytes:
    return gzip.compress(raw, mtime=0)


@pytest.mark.parametrize(
    "raw",
    [
        packed(b'{"a":1}')[:-9],
        packed(b'{"a":1}')[:12],
        b"",
        b"not gzip at all",
        packed(b'{"a":1}') + b"more",
        packed(b'{"a":1}') + packed(b'{"b":1}'),
    ],
    ids=["no end", "half", "nothing", "no gzip", "more behind", "two members"],
)
async def test_a_damaged_compressed_body_is_refused(raw: bytes) -> None:
    assert await refused(raw, content_encoding="gzip") == (400, "invalid_body")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "chunked"])
async def test_a_coding_that_is_not_known_is_refused(coding: str) -> None:
    assert await refused(b"{}", content_encoding=coding) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.x+json", True),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=application/json", False),
    ],
)
async def test_only_json_is_read(kind: str, allowed: bool) -> None:
    if allowed:
        assert await read(b"{}", content_type=kind) == b"{}"
    else:
        assert await refused(b"{}", content_type=kind) == (415, "unsupported_media_type")


async def test_a_body_that_does_not_arrive_in_time_is_a_408() -> None:
    lifeline, calls = Lifeline(), UnderWay(0.02)
    calls.add(lifeline)
    with pytest.raises(Refused) as caught:
        await read_body(Sender([b"{"], complete=False, silent=True), [], LIMITS, lifeline)
    assert caught.value.reply.status == 408
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


async def test_a_client_that_leaves_before_the_end_has_hung_up() -> None:
    with pytest.raises(HungUp):
        await read_body(Sender([b"{"], complete=False), [], LIMITS, Lifeline())


async def test_a_shutdown_while_the_body_is_read_is_a_503() -> None:
    lifeline = Lifeline()
    asyncio.get_running_loop().call_later(0.01, lifeline.abort, "shutdown")
    with pytest.raises(Refused) as caught:
        await read_body(Sender([b"{"], complete=False, silent=True), [], LIMITS, lifeline)
    assert caught.value.reply.status == 503


async def test_a_cancellation_from_outside_while_the_body_is_read_is_raised() -> None:
    async def work() -> None:
        await read_body(Sender([b"{"], complete=False, silent=True), [], LIMITS, Lifeline())

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def parse_status(raw: bytes, depth: int = 64) -> int:
    try:
        assert type(parse_object(raw, depth).peek()) is dict
    except Refused as error:
        return error.reply.status
    return 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{}", 200),
        (nested(64), 200),
        (nested(65), 400),
        (b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", 200),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 400),
        (b"[" * 10**6, 400),
        (b'{"a":' * 10**6, 400),
        (b"[" * 10**6 + b"]" * 10**6, 400),
        (json.dumps({"a": "[" * 100_000}).encode(), 200),
        (json.dumps({"a": [[]] * 1000}).encode(), 200),
        (b'{"a":NaN}', 400),
        (b'{"a":Infinity}', 400),
        (b'{"a":1} x', 400),
        (b'{"a":1,}', 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b'{"a":"\xff"}', 400),
        (b'{"a":"\\ud800"}', 400),
        (b"{'a':1}", 400),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_no_json_object_or_too_deep_is_a_400(raw: bytes, status: int) -> None:
    assert parse_status(raw) == status


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE-+\\ utrfalsn', max_size=60).map(str.encode))
def test_parsing_refuses_or_gives_an_object(raw: bytes) -> None:
    assert parse_status(raw, 3) in (200, 400)


NAMES = st.sampled_from([b"content-length", b"content-type", b"content-encoding", b"x"])
HOSTILE = st.binary(max_size=20) | st.sampled_from([b"gzip", b"deflate", b"application/json", b"-1", b"1e3", b"\xb2"])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(NAMES, HOSTILE), max_size=4), st.lists(st.binary(max_size=40), max_size=3), st.booleans())
async def test_reading_refuses_hangs_up_or_gives_bytes(headers: Any, parts: list[bytes], complete: bool) -> None:
    try:
        outcome: Any = await read_body(Sender(parts or [b""], complete=complete), headers, LIMITS, Lifeline())
    except Refused as error:
        outcome = error.reply
    except HungUp:
        outcome = None
    if isinstance(outcome, Reply):
        assert outcome.status in (400, 408, 413, 415)
        assert outcome.body["error"]["message"]
    else:
        assert outcome is None if not complete else type(outcome) is bytes
