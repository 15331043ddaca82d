"""Whatever a client sends, it gets the right status in OpenAI's envelope, and the process goes on as before."""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import psutil
import pytest

from tests.journeys.waiting import eventually
from tests.journeys.wire import CHAT, HELLO, Answer, ask, connected, head, post, read_answer, send_all
from tests.processes import KEY, Running, gateway, simulated

CONFIG = """
gateway:
  keys:
    - {{id: user, secret: user-key-0123456789abcdef, organization: acme}}
  timeouts: {{request_body: 1.5, client_write: 0.6}}
models:
  - {{name: sim, provider: simulated/echo}}
  - {{name: sim-small, provider: simulated/small}}
  - {{name: endless, provider: openai/echo, base_url: "{endless}/v1", api_key: sk-upstream}}
"""
MEBIBYTE = 1024 * 1024
GROWTH = 12 * MEBIBYTE
"""Allocators keep what a large body needed; a leak of even one of the large bodies below would be more than this."""


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with simulated(tmp_path_factory.mktemp("endless"), "--faults", "endless", "--tokens-per-chunk", "2000") as one:
        yield one


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, endless: Running) -> Iterator[Running]:
    with gateway(CONFIG.format(endless=endless.url), tmp_path_factory.mktemp("gateway")) as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.text()


@pytest.fixture(autouse=True)
def _unharmed(one: Running) -> Iterator[None]:
    yield
    answer = ask(one.url, post(HELLO))
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "Hello"


def refused(answer: Answer, status: int, code: str | None = None) -> Answer:
    """A refusal as it should be: the status, the envelope, a request id, nothing of our insides."""
    assert answer.status == status, answer
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert b"Traceback" not in answer.body
    assert b".py" not in answer.body
    found = answer.code
    assert code in (None, found)
    return answer


def keyed(headers: Mapping[str, str]) -> bytes:
    return post(HELLO, key=None, headers=headers)


# Credentials


def test_no_key_is_401(one: Running) -> None:
    answer = refused(ask(one.url, keyed({})), 401, "missing_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "bearer  "])
def test_an_empty_authorization_header_is_no_key(one: Running, value: str) -> None:
    refused(ask(one.url, keyed({"authorization": value})), 401, "missing_api_key")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer wrong-key-0123456789",
        f"Basic {KEY}",
        KEY[:-1],
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}\xff",
        "Bearer ' OR 1=1 --",
        f"Bearer {KEY}\t{KEY}",
        "Bearer " + "k" * 20_000,
    ],
)
def test_a_wrong_key_is_401(one: Running, value: str) -> None:
    answer = refused(ask(one.url, keyed({"authorization": value})), 401, "invalid_api_key")
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key", "X-API-KEY"])
def test_the_key_is_taken_from_each_header(one: Running, name: str) -> None:
    value = f"Bearer {KEY}" if name == "authorization" else KEY
    assert ask(one.url, keyed({name: value})).status == 200


def test_two_different_keys_are_refused_even_if_one_is_right(one: Running) -> None:
    for first, second in ((KEY, "wrong-key-0123456789"), (KEY, "user-key-0123456789abcdef")):
        refused(ask(one.url, keyed({"authorization": f"Bearer {first}", "x-api-key": second})), 400)
        doubled = head(key=first, length=2, headers={"Authorization": f"Bearer {second}"}) + b"{}"
        refused(ask(one.url, doubled), 400, "conflicting_api_keys")


def test_the_same_key_twice_is_one_key(one: Running) -> None:
    assert ask(one.url, keyed({"authorization": f"Bearer {KEY}", "api-key": KEY})).status == 200


def test_a_key_in_the_query_is_no_key(one: Running) -> None:
    refused(ask(one.url, post(HELLO, f"{CHAT}?api_key={KEY}&key={KEY}", key=None)), 401)


# Bodies


def test_an_unknown_model_is_told_the_nearest_name(one: Running) -> None:
    answer = refused(ask(one.url, post({**HELLO, "model": "sim-smal"})), 404, "model_not_found")
    assert "'sim-small'" in answer.json["error"]["message"]
    assert answer.json["error"]["param"] == "model"


def test_a_model_name_of_a_mebibyte_is_not_sent_back(one: Running) -> None:
    assert len(refused(ask(one.url, post({**HELLO, "model": "m" * MEBIBYTE})), 404).body) < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b'{"model": "sim", "messages": [}',
        b'{"model": "sim"} {"model": "sim"}',
        b'\xff\xfe{"model": "sim"}',
        b'{"model": "\xff"}',
        b'{"model": "sim", "temperature": NaN, "messages": []}',
        b'{"model": "sim", "temperature": Infinity, "messages": []}',
        b'{"model": "sim", "temperature": -Infinity, "messages": []}',
        b"{'model': 'sim'}",
        b'{"model": "\x00"}',
        b'{"model": "\\ud800"}',
    ],
)
def test_what_is_not_json_is_400(one: Running, body: bytes) -> None:
    refused(ask(one.url, post(body)), 400, "invalid_json")


def test_a_million_levels_are_400(one: Running) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = opening * 10**6 + b"1" + closing * 10**6
        refused(ask(one.url, post(b'{"model": "sim", "x": ' + deep + b"}")), 400, "invalid_json")
        refused(ask(one.url, post(opening * 10**6)), 400, "invalid_json")


def test_64_levels_are_served_and_65_are_not(one: Running) -> None:
    def nested(levels: int) -> bytes:
        inner = b"[" * (levels - 1) + b"]" * (levels - 1)
        return b'{"model": "sim", "messages": [{"role": "user", "content": "Hello"}], "x": ' + inner + b"}"

    assert ask(one.url, post(nested(64))).status == 200
    assert "64 levels" in refused(ask(one.url, post(nested(65))), 400, "invalid_json").json["error"]["message"]


@pytest.mark.parametrize("body", [b"[]", b'"model"', b"1", b"null", b"true", b"[{}]"])
def test_json_that_is_no_object_is_400(one: Running, body: bytes) -> None:
    refused(ask(one.url, post(body)), 400, "invalid_json")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"model": ["sim"]}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "user", "content": "Hello"}] * 4097}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"n": 9}, "n"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.0}, "n"),
        ({"n": 10**30}, "n"),
    ],
)
def test_a_field_of_the_wrong_kind_or_size_is_400_and_named(one: Running, change: dict[str, Any], param: str) -> None:
    body = {key: value for key, value in {**HELLO, **change}.items() if value is not None}
    assert refused(ask(one.url, post(body)), 400).json["error"]["param"] == param


def test_4096_messages_and_8_choices_are_served(one: Running) -> None:
    assert ask(one.url, post({**HELLO, "messages": [{"role": "user", "content": "Hello"}] * 4096})).status == 200
    assert len(ask(one.url, post({**HELLO, "n": 8})).json["choices"]) == 8


@pytest.mark.parametrize("target", ["/v1/completions", "/v1/embeddings"])
def test_the_other_endpoints_need_what_they_need(one: Running, target: str) -> None:
    needed = "prompt" if target.endswith("completions") else "input"
    assert refused(ask(one.url, post({"model": "sim"}, target)), 400).json["error"]["param"] == needed


# Sizes


def test_a_client_that_sends_11_mebibytes_really_receives_the_413(one: Running) -> None:
    body = json.dumps({**HELLO, "user": "x" * 11 * MEBIBYTE}).encode()
    refused(ask(one.url, post(body)), 413, "request_too_large")
    with one.client() as client:
        answer = client.post(CHAT, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "request_too_large"


def test_a_body_under_the_limit_is_served(one: Running) -> None:
    assert ask(one.url, post({**HELLO, "user": "x" * 9 * MEBIBYTE})).status == 200


def test_a_length_over_the_limit_is_refused_before_anything_is_sent(one: Running) -> None:
    for length in (11 * MEBIBYTE, 10**18):
        refused(ask(one.url, head(length=length)), 413, "request_too_large")
    refused(ask(one.url, head(length="9" * 400)), 400, "invalid_http")


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(one: Running) -> None:
    with connected(one.url) as wire:
        wire.sendall(head(headers={"transfer-encoding": "chunked", "content-type": "application/json"}))
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        while sent < 64 * MEBIBYTE and send_all(wire, piece):
            sent += 0x10000
        refused(read_answer(wire), 413, "request_too_large")


def test_a_gzip_bomb_is_refused_without_being_blown_up(one: Running) -> None:
    memory = psutil.Process(one.process.pid).memory_info().rss
    bomb = gzip.compress(b"[" + b" " * 200 * MEBIBYTE + b"]")
    assert len(bomb) < MEBIBYTE
    refused(ask(one.url, post(bomb, headers={"content-encoding": "gzip"})), 413, "request_too_large")
    assert psutil.Process(one.process.pid).memory_info().rss < memory + 40 * MEBIBYTE


def test_compressed_bodies_are_taken_and_broken_ones_are_400(one: Running) -> None:
    raw = json.dumps(HELLO).encode()
    assert ask(one.url, post(gzip.compress(raw), headers={"content-encoding": "gzip"})).status == 200
    assert ask(one.url, post(zlib.compress(raw), headers={"content-encoding": "deflate"})).status == 200
    for broken in (raw, gzip.compress(raw)[:-4], gzip.compress(raw) + b"more", gzip.compress(raw)[:20], b""):
        refused(ask(one.url, post(broken, headers={"content-encoding": "gzip"})), 400, "invalid_body")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "rot13"])
def test_an_unknown_content_encoding_is_415(one: Running, encoding: str) -> None:
    refused(ask(one.url, post(HELLO, headers={"content-encoding": encoding})), 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_an_unknown_content_type_is_415(one: Running, kind: str) -> None:
    refused(ask(one.url, post(HELLO, headers={"content-type": kind})), 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
def test_json_content_types_are_taken(one: Running, kind: str) -> None:
    assert ask(one.url, post(HELLO, headers={"content-type": kind})).status == 200


# Lies and slowness


def test_a_body_shorter_than_its_length_is_408(one: Running) -> None:
    raw = json.dumps(HELLO).encode()
    started = time.monotonic()
    refused(ask(one.url, post(raw, length=len(raw) + 10)), 408, "request_timeout")
    assert 1.0 < time.monotonic() - started < 4.0


def test_a_body_longer_than_its_length_is_two_requests_the_second_of_them_garbage(one: Running) -> None:
    raw = json.dumps(HELLO).encode()
    with connected(one.url) as wire:
        wire.sendall(post(raw, length=len(raw) - 5))
        assert refused(read_answer(wire), 400).code in ("invalid_json", "invalid_http")


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "+5", "5, 5", "0x10"])
def test_a_length_that_is_no_number_is_400(one: Running, length: str) -> None:
    answer = ask(one.url, head(length=length) + b"{}")
    assert answer.status == 400
    assert answer.headers["x-request-id"]
    assert answer.code == "invalid_http"


def test_a_length_and_chunks_at_once_are_not_both_believed(one: Running) -> None:
    smuggled = b"0\r\n\r\nPOST /admin/reload HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = ask(one.url, head(length=len(smuggled), headers={"transfer-encoding": "chunked"}) + smuggled)
    assert answer.status == 400


def test_a_body_that_drips_is_408(one: Running) -> None:
    raw = json.dumps(HELLO).encode()
    started = time.monotonic()
    with connected(one.url) as wire:
        wire.sendall(head(length=len(raw)))
        wire.settimeout(0.2)
        for byte in raw:
            if not send_all(wire, bytes([byte])):
                break
            try:
                if wire.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        wire.settimeout(5)
        refused(read_answer(wire), 408, "request_timeout")
    assert time.monotonic() - started < 4.0


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(one: Running) -> None:
    for _ in range(20):
        with connected(one.url) as wire:
            wire.sendall(head(length=1000) + b'{"model"')
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with one.client() as client:
        assert eventually(lambda: client.get("/health").json()["in_flight"] == 0)


def test_a_client_that_stops_reading_is_hung_up_on_and_its_upstream_closed(one: Running, endless: Running) -> None:
    memory = psutil.Process(one.process.pid).memory_info().rss
    with connected(one.url) as wire, httpx.Client(trust_env=False) as client:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        long = {"model": "endless", "messages": [{"role": "user", "content": "word " * 20_000}], "stream": True}
        wire.sendall(post(long))
        assert eventually(lambda: client.get(f"{endless.url}/stats").json()["open"] == 1)
        assert eventually(lambda: client.get(f"{endless.url}/stats").json()["open"] == 0, seconds=60)
        assert eventually(lambda: client.get(f"{one.url}/health").json()["in_flight"] == 0)
    vocabulary = 60 * MEBIBYTE
    assert psutil.Process(one.process.pid).memory_info().rss < memory + vocabulary + 60 * MEBIBYTE


# Paths and methods


@pytest.mark.parametrize(
    "target", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/chat/completions/x", "/favicon.ico", "/%00"]
)
def test_an_unknown_endpoint_is_404(one: Running, target: str) -> None:
    for method in ("GET", "POST"):
        refused(ask(one.url, head(method, target, length=0)), 404)


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("DELETE", CHAT, "POST"),
        ("PUT", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/sim", "GET"),
        ("POST", "/health", "GET"),
        ("GET", "/admin/reload", "POST"),
        ("OPTIONS", CHAT, "POST"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_is_right(one: Running, method: str, target: str, allowed: str) -> None:
    answer = refused(ask(one.url, head(method, target, length=0)), 405)
    assert allowed in answer.headers["allow"]


def test_head_is_answered_without_a_body(one: Running) -> None:
    with connected(one.url) as wire:
        for target, status in (("/health", 200), ("/v1/models", 200), (CHAT, 405), ("/nothing", 404)):
            wire.sendall(head("HEAD", target))
            answer = read_answer(wire, bodyless=True)
            assert answer.status == status
            assert answer.headers["x-request-id"]
        wire.sendall(head("GET", "/livez"))
        assert read_answer(wire).status == 200


SECRETLY_ADMIN = [
    "/admin%2freload",
    "/admin%2Freload",
    "//admin/reload",
    "/admin//reload",
    "/./admin/reload",
    "/x/../admin/reload",
    "/admin/reload/",
    "/ADMIN/RELOAD",
    "/admin/reload?x=1",
    "/admin/reload;x",
    "/v1/models/../../admin/reload",
    "/v1/models/%2e%2e/%2e%2e/admin/reload",
    "http://localhost/admin/reload",
    "http://user@evil.example/admin/reload",
    "/%61dmin/reload",
]


@pytest.mark.parametrize("target", SECRETLY_ADMIN)
def test_no_spelling_of_an_administrative_path_lets_anybody_else_in(one: Running, target: str) -> None:
    hosts = ("localhost", "admin", "127.0.0.1:8080/admin/reload", "evil.example/admin")
    for host in hosts:
        extra = {"x-original-url": "/livez", "x-rewrite-url": "/livez", "x-forwarded-prefix": "/livez"}
        nobody = ask(one.url, head("POST", target, length=0, key=None, host=host, headers=extra))
        assert nobody.status in (400, 401, 404, 405), nobody
        user = ask(one.url, head("POST", target, length=0, key="user-key-0123456789abcdef", host=host))
        assert user.status in (400, 403, 404, 405), user
    assert "configuration reloaded" not in one.text()


@pytest.mark.parametrize("host", ["evil.example", "localhost/livez?", "a b", "[::1", "x" * 2000, ""])
def test_the_host_header_decides_nothing(one: Running, host: str) -> None:
    assert ask(one.url, head("GET", "/v1/models", key=None, host=host)).status in (400, 401)
    assert ask(one.url, head("GET", "/v1/models", host=host)).status in (200, 400)


# Below HTTP


def test_33_kibibytes_of_headers_are_431(one: Running) -> None:
    for headers in ({"x-long": "x" * 33 * 1024}, {f"x-{index}": "x" * 100 for index in range(400)}):
        refused(ask(one.url, post(HELLO, headers=headers)), 431, "headers_too_large")


def test_30_kibibytes_of_headers_are_served(one: Running) -> None:
    assert ask(one.url, post(HELLO, headers={"x-long": "x" * 30 * 1024})).status == 200


def test_a_target_of_33_kibibytes_is_431(one: Running) -> None:
    refused(ask(one.url, head("GET", "/" + "x" * 33 * 1024)), 431, "headers_too_large")


def test_a_header_without_an_end_is_431(one: Running) -> None:
    with connected(one.url) as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nhost: x\r\nx-endless: ")
        sent = 0
        while sent < 64 * MEBIBYTE and send_all(wire, b"x" * 4096):
            sent += 4096
            time.sleep(0.0005)
        assert sent < MEBIBYTE
        refused(read_answer(wire), 431, "headers_too_large")


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
    b"GET\r\n\r\n",
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nno colon here\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n",
    b"\r\n\r\n\x00\x00\x00\x00 / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_not_http_is_400(one: Running, data: bytes) -> None:
    answer = ask(one.url, data)
    assert answer.status == 400
    assert answer.headers["x-request-id"]
    assert answer.code == "invalid_http"


def test_a_broken_chunk_is_answered_or_hung_up_on(one: Running) -> None:
    for broken in (b"zz\r\nhello\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloworld\r\n", b"f" * 40 + b"\r\n"):
        with connected(one.url) as wire:
            wire.sendall(head(headers={"transfer-encoding": "chunked"}) + broken)
            try:
                assert read_answer(wire).status in (400, 408, 413)
            except (EOFError, ConnectionResetError):
                continue


def test_a_head_that_drips_is_408(one: Running) -> None:
    started = time.monotonic()
    with connected(one.url) as wire:
        wire.settimeout(0.2)
        for byte in head(length=2) * 10:
            if not send_all(wire, bytes([byte])):
                break
            try:
                if wire.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
        wire.settimeout(5)
        refused(read_answer(wire), 408, "request_timeout")
    assert time.monotonic() - started < 5.0


def test_a_connection_on_which_nothing_is_asked_is_closed(one: Running) -> None:
    with connected(one.url) as wire:
        assert wire.recv(1) == b""


def test_a_request_to_become_another_protocol_is_answered_in_this_one(one: Running) -> None:
    for protocol in ("h2c", "websocket"):
        upgrade = {"connection": "Upgrade, HTTP2-Settings", "upgrade": protocol, "http2-settings": "AAMAAABkAARAAAAA"}
        assert ask(one.url, head("GET", "/livez", headers=upgrade)).status == 200
        assert ask(one.url, post(HELLO, headers=upgrade)).status == 200
    assert "pip install" not in one.text()


def test_an_answer_under_way_is_not_mixed_with_the_refusal_of_what_follows(one: Running) -> None:
    with connected(one.url) as wire:
        long = {"model": "endless", "messages": [{"role": "user", "content": "word"}], "stream": True}
        wire.sendall(post(long))
        stream = wire.makefile("rb")
        _until(stream, b"data: ")
        wire.sendall(b"GARBAGE\r\n\r\n")
        rest = b""
        while piece := stream.read1(65536):
            rest += piece
    assert b"HTTP/1.1" not in rest


def test_an_idle_connection_and_many_of_them_disturb_nobody(one: Running) -> None:
    wires = [socket.create_connection(("127.0.0.1", int(one.url.rsplit(":", 1)[1]))) for _ in range(200)]
    try:
        for wire in wires[::2]:
            wire.sendall(b"POST /v1/chat")
        assert ask(one.url, post(HELLO)).status == 200
    finally:
        for wire in wires:
            wire.close()


def test_requests_one_behind_the_other_are_answered_in_order(one: Running) -> None:
    with connected(one.url) as wire:
        wire.sendall(post({**HELLO, "model": "none"}) + post(HELLO) + head("GET", "/livez"))
        stream = wire.makefile("rb")
        statuses = re.findall(rb"HTTP/1.1 (\d+)", _until(stream, b'"ok"'))
        assert statuses == [b"404", b"200", b"200"]


def _until(stream: Any, end: bytes) -> bytes:
    data = b""
    while end not in data:
        piece = stream.read1(65536)
        assert piece, data
        data += piece
    return data


# Afterwards


def test_every_answer_has_a_request_id_of_its_own(one: Running) -> None:
    requests = [
        post(HELLO),
        post({**HELLO, "stream": True}),
        post({"model": "sim", "input": "x"}, "/v1/embeddings"),
        head("GET", "/livez"),
        head("GET", "/readyz"),
        head("GET", "/health"),
        head("GET", "/openapi.json"),
        head("GET", "/docs"),
        head("GET", "/v1/models"),
        head("GET", "/nothing"),
        keyed({}),
    ]
    answers = [ask(one.url, request) for request in requests]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(requests)


def test_a_thousand_bad_requests_leave_no_memory_behind(one: Running) -> None:
    bad = [
        post(b"{" * 50_000),
        post({**HELLO, "user": "x" * MEBIBYTE, "n": 9}),
        post(HELLO, headers={"content-type": "x"}),
        head("GET", "/" + "y" * 3000),
        keyed({"authorization": "Bearer " + "k" * 5000}),
        post({**HELLO, "model": "m" * 5000}),
        b"GARBAGE\r\n\r\n",
    ]
    process = psutil.Process(one.process.pid)

    def round_of(count: int) -> None:
        for index in range(count):
            assert 400 <= ask(one.url, bad[index % len(bad)]).status < 500

    round_of(140)
    before, files = process.memory_info().rss, process.num_fds()
    round_of(1000)
    assert process.memory_info().rss - before < GROWTH
    assert eventually(lambda: process.num_fds() <= files + 2)
