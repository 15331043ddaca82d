"""The middleware in front of Starlette and raw ASGI apps: what is taken, what passes, whose key it is, who starts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from cognitude_plugins.gateway.middleware import CognitudeMiddleware
from hooks import ConfigError
from hooks.testing import chunks_of, completion
from tests.gateway.calls import CHAT, STREAM, Client, settled

CHAT_PATH = "/v1/chat/completions"
GATEWAY_KEY = "gateway-key-0123456789"
AUTH_GATEWAY = f"""
gateway:
  keys: [{{id: ops, secret: {GATEWAY_KEY}, organization: acme}}]
  middleware: {{auth: gateway, inner_key: inner-key-0123456789}}
"""
PLUGINS = '''
from hooks import Reply, hookimpl
from hooks.testing import completion

seen = []

class Spy:
    @hookimpl
    async def pre_request(self, call):
        seen.append(call)

class Refuse:
    @hookimpl
    async def pre_request(self, call):
        if call.model == "forbidden":
            return Reply.error(403, "Not this one.", code="forbidden")

class Remember:
    """A cache as plugins write them: by organization and body."""
    def __init__(self):
        self.kept = {}
    @hookimpl
    async def pre_request(self, call):
        text = self.kept.get((call.caller.organization, call.payload.raw))
        return None if text is None else Reply.json(completion(text, model=call.model))
    @hookimpl
    async def post_response(self, call, reply):
        if reply.source == "provider" and reply.status == 200 and not reply.streamed:
            self.kept[call.caller.organization, call.payload.raw] = reply.body["choices"][0]["message"]["content"]

class Shout:
    @hookimpl
    async def post_response(self, reply):
        return reply.map(louder)

def louder(value):
    for choice in value.get("choices", ()):
        part = choice.get("delta") or choice.get("message") or {}
        if part.get("content"):
            return {**value, "choices": [{**choice, "message": {**part, "content": part["content"].upper()}}]}
'''


class Behind:
    """An app that speaks the OpenAI API: what it was sent, and the answer it is told to give."""

    def __init__(self) -> None:
        self.requests: list[tuple[Request, bytes]] = []
        self.answer: Callable[[Request], Response | Awaitable[Response]] = self.as_asked
        self.stages: list[str] = []
        models = [
            Route(path, self.serve, methods=["POST"]) for path in (CHAT_PATH, "/v1/embeddings", "/v1/completions")
        ]
        others = [Route("/other", self.other, methods=["GET", "POST"]), WebSocketRoute("/ws", self.talk)]
        bare = [Route("/chat/completions", self.serve, methods=["POST"])]
        self.app = Starlette(routes=[*models, *bare, *others], lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        self.stages.append("app up")
        yield {"pool": "warm"}
        self.stages.append("app down")

    async def serve(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append((request, body))
        response = self.answer(request)
        return await response if isinstance(response, Awaitable) else response

    def as_asked(self, request: Request) -> Response:
        asked = json.loads(self.requests[-1][1])
        headers = {"x-litellm-model-id": "7", "access-control-allow-origin": "*"}
        if not asked.get("stream"):
            return JSONResponse(completion("Hello", model=asked["model"]), headers=headers)
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        return StreamingResponse(
            sent(chunks_of("Hel", "lo", usage=usage)), media_type="text/event-stream", headers=headers
        )

    async def other(self, request: Request) -> Response:
        return PlainTextResponse(f"{request.method} {(await request.body()).decode()} {request.state.pool}")

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    def header(self, name: str) -> list[str]:
        return self.requests[-1][0].headers.getlist(name)

    @property
    def json(self) -> Any:
        return json.loads(self.requests[-1][1])


async def sent(events: list[Any]) -> AsyncIterator[bytes]:
    for event in events:
        yield b"data: " + json.dumps(event).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def config(folder: Path, text: str = "", *uses: str) -> Path:
    (folder / "mine.py").write_text(PLUGINS)
    path = folder / "plugins.yaml"
    entries = "".join(f"  - use: ./mine.py:{use}\n" for use in uses)
    path.write_text(text + "\npipeline:\n" + (entries or "  []\n"))
    return path


@pytest.fixture
def behind() -> Behind:
    return Behind()


async def ask(
    app: Any, body: Any = CHAT, *, path: str = CHAT_PATH, headers: Mapping[str, str] | None = None, **scope: Any
) -> Client:
    client = Client(body, headers={"authorization": "Bearer client-key-0123456789", **(headers or {})})
    client.scope.update(path=path, raw_path=path.encode(), query_string=b"", root_path="", **scope)
    await app(client.scope, client.receive, client.send)
    return client


async def test_a_call_goes_through_the_pipeline_to_the_app(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, "", "Shout"), {})
    answer = await ask(app)
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "HELLO"
    assert behind.json == CHAT
    assert answer.headers["x-cognitude-source"] == "provider"
    assert answer.headers["x-litellm-model-id"] == "7"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-length"] == str(len(answer.raw))


async def test_bytes_nobody_changed_arrive_as_they_were_sent(behind: Behind, tmp_path: Path) -> None:
    raw = b'{ "messages": [{"role":"user","content":"\\u00e9"}],\n "model" : "x/y", "unknown": 1.0 }'
    said = b'{"id": 1.0, "choices": [ ]}'
    behind.answer = lambda request: Response(said, media_type="application/json")
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}), raw)
    assert behind.requests[-1][1] == raw
    assert behind.header("content-length") == [str(len(raw))]
    assert answer.raw == said


async def test_a_stream_goes_through_it_too(behind: Behind, tmp_path: Path) -> None:
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}), STREAM)
    assert answer.text == "Hello"
    assert answer.ended
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-litellm-model-id"] == "7"
    assert behind.json["stream_options"] == {"include_usage": True}
    assert not any(event.get("usage") for event in answer.events)
    await settled()


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions", "/chat/completions"])
async def test_every_model_call_is_taken_with_and_without_v1(behind: Behind, tmp_path: Path, path: str) -> None:
    body = {"model": "m", "input": "x", "prompt": "x", "messages": []}
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}), body, path=path)
    assert answer.headers["x-cognitude-source"] == "provider"
    assert behind.requests[-1][0].url.path == path


async def test_a_plugin_that_answers_early_spares_the_app_the_call(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, "", "Refuse"), {})
    answer = await ask(app, {**CHAT, "model": "forbidden"})
    assert (answer.status, answer.json["error"]["code"]) == (403, "forbidden")
    assert answer.headers["x-cognitude-source"] == "Refuse"
    assert behind.requests == []


@pytest.mark.parametrize(
    ("kind", "path", "method"),
    [
        ("http", "/other", "POST"),
        ("http", CHAT_PATH, "GET"),
        ("http", CHAT_PATH, "HEAD"),
        ("http", CHAT_PATH, "OPTIONS"),
        ("http", CHAT_PATH + "/", "POST"),
        ("http", "/v1/models", "GET"),
        ("websocket", CHAT_PATH, ""),
        ("something.new", CHAT_PATH, ""),
    ],
)
async def test_what_is_no_model_call_passes_untouched(tmp_path: Path, kind: str, path: str, method: str) -> None:
    got: list[Any] = []

    async def app(*three: Any) -> None:
        got.append(three)

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    scope = {"type": kind, "path": path, "headers": [], **({"method": method} if method else {})}
    before = dict(scope)
    await CognitudeMiddleware(app, tmp_path / "not-even-read.yaml", {})(scope, receive, send)
    [(passed, passed_receive, passed_send)] = got
    assert passed is scope
    assert scope == before
    assert passed_receive is receive
    assert passed_send is send


def test_a_websocket_and_another_path_work_and_the_lifespans_state_arrives(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    with TestClient(app) as client:
        assert client.post("/other", content=b"data").text == "POST data warm"
        assert client.get(CHAT_PATH).status_code == 405
        with client.websocket_connect("/ws") as socket:
            socket.send_text("hi")
            assert socket.receive_text() == "hi"
        assert client.post(CHAT_PATH, json=CHAT).status_code == 200
        assert behind.requests[-1][0].state.pool == "warm"
    assert behind.stages == ["app up", "app down"]


def test_it_is_added_to_an_app_with_add_middleware(behind: Behind, tmp_path: Path) -> None:
    behind.app.add_middleware(CognitudeMiddleware, config=config(tmp_path, "", "Shout"), environ={})
    behind.app.add_middleware(CORSMiddleware, allow_origins=["https://app.example"], allow_methods=["POST"])
    with TestClient(behind.app) as client:
        answer = client.post(CHAT_PATH, json=CHAT, headers={"origin": "https://app.example"})
        assert answer.json()["choices"][0]["message"]["content"] == "HELLO"
        assert answer.headers["access-control-allow-origin"] in ("*", "https://app.example")
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        assert client.options(CHAT_PATH, headers=asked).status_code == 200


async def test_a_mounted_app_is_wrapped_below_its_mount(behind: Behind, tmp_path: Path) -> None:
    wrapped = CognitudeMiddleware(behind.app, config(tmp_path, "", "Shout"), {})
    outer = Starlette(routes=[Mount("/llm", wrapped), Mount("/v1", wrapped)])
    for path in ("/llm/v1/chat/completions", "/v1/chat/completions"):
        answer = await ask(outer, path=path)
        assert answer.status == 200, path
        assert answer.json["choices"][0]["message"]["content"] == "HELLO"
        assert behind.requests[-1][0].url.path == path


async def test_a_servers_root_path_is_no_part_of_the_path(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    client = Client(CHAT)
    client.scope.update(path="/base" + CHAT_PATH, root_path="/base", query_string=b"")
    await app(client.scope, client.receive, client.send)
    assert client.headers["x-cognitude-source"] == "provider"
    client = Client(CHAT)
    client.scope.update(path="/based" + CHAT_PATH, root_path="/base", query_string=b"")
    await app(client.scope, client.receive, client.send)
    assert "x-cognitude-source" not in client.headers


async def test_the_paths_can_be_others(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {}, paths={"/chat/completions": "chat"})
    assert "x-cognitude-source" in (await ask(app, path="/chat/completions")).headers
    assert "x-cognitude-source" not in (await ask(app)).headers


# auth: inner


async def test_the_clients_key_reaches_the_app_whatever_header_it_is_in(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    given = {"x-api-key": "a", "api-key": "b", "x-litellm-api-key": "c", "cookie": "session=1"}
    await ask(app, headers=given)
    assert behind.header("authorization") == ["Bearer client-key-0123456789"]
    for name, value in given.items():
        assert behind.header(name) == [value]


async def test_an_apps_401_and_its_words_reach_the_client(behind: Behind, tmp_path: Path) -> None:
    said = {"detail": [{"msg": "no such key"}]}
    behind.answer = lambda request: JSONResponse(said, 401, headers={"www-authenticate": "Bearer realm=inner"})
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}))
    assert (answer.status, answer.json) == (401, said)
    assert answer.headers["www-authenticate"] == "Bearer realm=inner"


HEADERS = [
    {"authorization": "Bearer other-key-0123456789"},
    {"authorization": ""},
    {"x-api-key": "other"},
    {"api-key": "other"},
    {"x-litellm-api-key": "other"},
    {"x-company-token": "other"},
    {"cookie": "session=other"},
    {"x-forwarded-user": "other"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda one: next(iter(one)) + "=" + next(iter(one.values()))[:5])
async def test_what_a_plugin_kept_for_one_key_is_not_given_to_another(
    behind: Behind, tmp_path: Path, headers: dict[str, str]
) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, "", "Remember"), {})
    for _ in range(2):
        assert (await ask(app)).status == 200
    assert len(behind.requests) == 1, "the second answer was kept"
    behind.answer = lambda request: JSONResponse({"error": {"message": "no"}}, 401)
    assert (await ask(app, headers=headers)).status == 401
    assert len(behind.requests) == 2


async def test_no_plugin_sees_a_secret(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, "", "Spy"), {})
    await ask(app, headers={"x-api-key": "client-key-0123456789"})
    [spy] = [one.plugin for one in app.gateway.runtime.loaded]
    seen = vars(__import__("sys").modules[type(spy).__module__])["seen"]
    [call] = seen
    told = [call.caller, dict(call.headers), call.state, call.payload.raw]
    assert "client-key-0123456789" not in repr(told)
    assert call.caller.organization == f"key-{call.caller.key}"


# auth: gateway


async def test_with_auth_gateway_the_app_gets_its_own_key_and_none_of_the_clients(
    behind: Behind, tmp_path: Path
) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, AUTH_GATEWAY), {})
    for header in ({"authorization": f"Bearer {GATEWAY_KEY}"}, {"authorization": "", "x-api-key": GATEWAY_KEY}):
        answer = await ask(app, headers={**header, "x-litellm-api-key": "client's"})
        assert answer.status == 200
        request = behind.requests[-1][0]
        assert behind.header("authorization") == ["Bearer inner-key-0123456789"]
        assert GATEWAY_KEY not in repr(request.headers.raw)
        assert "client's" not in repr(request.headers.raw)


async def test_without_an_inner_key_the_app_gets_none(behind: Behind, tmp_path: Path) -> None:
    text = AUTH_GATEWAY.replace(", inner_key: inner-key-0123456789", "")
    await ask(
        CognitudeMiddleware(behind.app, config(tmp_path, text), {}),
        headers={"x-api-key": "", "authorization": GATEWAY_KEY},
    )
    assert behind.header("authorization") == []


async def test_with_auth_gateway_a_wrong_key_is_refused_here(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path, AUTH_GATEWAY), {})
    answer = await ask(app)
    assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key")
    assert "x-request-id" in answer.headers
    assert behind.requests == []


async def test_with_auth_gateway_the_apps_401_is_not_the_clients_fault(behind: Behind, tmp_path: Path) -> None:
    behind.answer = lambda request: JSONResponse({"error": {"message": "inner-key-0123456789 is wrong"}}, 401)
    app = CognitudeMiddleware(behind.app, config(tmp_path, AUTH_GATEWAY), {})
    answer = await ask(app, headers={"authorization": f"Bearer {GATEWAY_KEY}"})
    assert answer.status == 502
    assert b"inner-key" not in answer.raw


# What the app answers


@pytest.mark.parametrize("status", [400, 404, 408, 409, 422, 429, 500, 503])
async def test_errors_of_the_app_arrive_as_they_are(behind: Behind, tmp_path: Path, status: int) -> None:
    said = b'{"detail":"not the envelope"}'
    headers = {"retry-after": "7", "x-litellm-call-id": "c"}
    behind.answer = lambda request: Response(said, status, headers, "application/json")
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}))
    assert (answer.status, answer.raw) == (status, said)
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-litellm-call-id"] == "c"
    assert len(behind.requests) == 1, "an app is not asked again for what it refused"


async def test_an_answer_that_is_not_json_keeps_its_type(behind: Behind, tmp_path: Path) -> None:
    behind.answer = lambda request: Response("<h1>Bad</h1>", 502, media_type="text/html")
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}))
    assert (answer.status, answer.raw) == (502, b"<h1>Bad</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    behind.answer = lambda request: Response(status_code=307, headers={"location": "/elsewhere"})
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}))
    assert (answer.status, answer.headers["location"]) == (307, "/elsewhere")


@pytest.mark.parametrize("name", ["nope", "with space", "../up", "模型", "a" * 1000, "*"])
async def test_a_model_the_app_does_not_know_is_the_apps_to_say(behind: Behind, tmp_path: Path, name: str) -> None:
    behind.answer = lambda request: JSONResponse({"error": {"message": "never heard of it"}}, 404)
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}), {**CHAT, "model": name})
    assert (answer.status, answer.json["error"]["message"]) == (404, "never heard of it")
    assert behind.json["model"] == name


async def test_a_model_is_asked_for_once_by_its_own_name_and_costs_what_its_upstream_costs(
    behind: Behind, tmp_path: Path
) -> None:
    models = """
models:
  - {name: fast, provider: openai/gpt-4o-mini, price: {input: 1000000, output: 0}}
  - {name: fast, provider: openai/gpt-4o}
  - {name: slow, provider: openai/gpt-4o}
  - {name: auto, candidates: [fast, slow]}
"""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    behind.answer = lambda request: JSONResponse({**completion("Hi"), "usage": usage})
    app = CognitudeMiddleware(behind.app, config(tmp_path, models), {})
    answer = await ask(app, {**CHAT, "model": "fast"})
    assert behind.json["model"] == "fast"
    assert answer.headers["x-cognitude-cost-usd"] == "3.000000000"
    behind.answer = lambda request: JSONResponse({"error": {"message": "busy"}}, 503)
    behind.requests.clear()
    answer = await ask(app, {**CHAT, "model": "auto"})
    assert [json.loads(body)["model"] for _, body in behind.requests] == ["fast", "slow"]
    assert (answer.status, answer.json["error"]["message"]) == (503, "busy")


async def test_the_timeouts_of_the_configuration_are_the_apps(behind: Behind, tmp_path: Path) -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(5)
        return Response()

    behind.answer = slow
    text = "gateway: {timeouts: {total: 0.1}}"
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path, text), {}))
    assert answer.status == 504
    await asyncio.sleep(0.6)
    await settled()


async def test_an_app_that_fails_is_a_502_and_its_failure_is_in_the_log(
    behind: Behind, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("a bug")

    answer = await ask(CognitudeMiddleware(app, config(tmp_path), {}))
    assert answer.status == 502
    assert b"ZeroDivision" not in answer.raw
    assert "a bug" in caplog.text


async def test_work_after_the_answer_does_not_hold_the_answer_up(behind: Behind, tmp_path: Path) -> None:
    done = asyncio.Event()

    async def later() -> None:
        await asyncio.sleep(0.2)
        done.set()

    behind.answer = lambda request: JSONResponse(completion("Hi"), background=BackgroundTask(later))
    answer = await ask(CognitudeMiddleware(behind.app, config(tmp_path), {}))
    assert answer.status == 200
    assert not done.is_set()
    async with asyncio.timeout(2):
        await done.wait()


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_hang_up_cancels_the_app(behind: Behind, tmp_path: Path, body: Any) -> None:
    reached, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b'data: {"choices": []}\n\n'
        await wait()

    async def wait() -> None:
        reached.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async def slow(request: Request) -> Response:
        if not body.get("stream"):
            await wait()
        return StreamingResponse(endless(), media_type="text/event-stream")

    behind.answer = slow
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    client = Client(body)
    client.scope.update(query_string=b"", root_path="")
    task = asyncio.create_task(app(client.scope, client.receive, client.send))
    async with asyncio.timeout(5):
        await reached.wait()
    client.leave()
    async with asyncio.timeout(1):
        await cancelled.wait()
    await task
    await settled()


async def test_a_body_that_is_no_call_is_refused_before_the_app(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    assert (await ask(app, b"{")).status == 400
    assert (await ask(app, {"messages": []})).json["error"]["param"] == "model"
    assert behind.requests == []


# Start and end


class Server:
    """The server's side of a lifespan."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.said: list[Any] = []
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()

    async def send(self, message: Any) -> None:
        self.said.append(message)

    async def run(self, *kinds: str) -> list[str]:
        for kind in kinds:
            self.inbox.put_nowait({"type": f"lifespan.{kind}"})
        async with asyncio.timeout(5):
            await self.app({"type": "lifespan", "state": {}}, self.inbox.get, self.send)
        return [message["type"].removeprefix("lifespan.") for message in self.said]


async def test_a_wrong_configuration_fails_the_start_with_its_problems(behind: Behind, tmp_path: Path) -> None:
    path = config(tmp_path, "gateway: {limits: {n: 0}}")
    server = Server(CognitudeMiddleware(behind.app, path, {}))
    assert await server.run("startup") == ["startup.failed"]
    assert "gateway.limits.n" in server.said[0]["message"]
    assert behind.stages == []
    with pytest.raises(ConfigError):
        CognitudeMiddleware(behind.app, path, {}).gateway  # noqa: B018


async def test_with_add_middleware_too_it_fails_the_start(behind: Behind, tmp_path: Path) -> None:
    behind.app.add_middleware(CognitudeMiddleware, config=tmp_path / "nowhere.yaml", environ={})
    server = Server(behind.app)
    assert await server.run("startup") == ["startup.failed"]
    assert "nowhere.yaml" in server.said[0]["message"]


async def test_many_first_calls_start_it_once(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, counting(tmp_path), {})
    answers = await asyncio.gather(*[ask(app) for _ in range(20)])
    assert {answer.status for answer in answers} == {200}
    assert (tmp_path / "opened").read_text() == "+"


async def test_a_first_call_that_cannot_start_it_is_a_500_and_the_next_one_tries_again(
    behind: Behind, tmp_path: Path
) -> None:
    path = tmp_path / "plugins.yaml"
    app = CognitudeMiddleware(behind.app, path, {})
    client = Client(CHAT)
    with pytest.raises(ConfigError):
        await app(client.scope, client.receive, client.send)
    assert (client.status, client.json["error"]["code"]) == (500, "internal_error")
    config(tmp_path)
    assert (await ask(app)).status == 200


async def test_a_configuration_is_read_again_under_way(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    forbidden = {**CHAT, "model": "forbidden"}
    assert (await ask(app, forbidden)).status == 200
    config(tmp_path, "", "Refuse")
    await app.gateway.reload()
    assert (await ask(app, forbidden)).status == 403


async def test_while_it_drains_an_answer_ends_its_connection(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, config(tmp_path), {})
    assert "connection" not in (await ask(app)).headers
    app.gateway.draining = True
    assert (await ask(app)).headers["connection"] == "close"


def counting(folder: Path) -> Path:
    """A configuration with a plugin that writes down when it is opened and closed."""
    (folder / "counts.py").write_text(
        "from contextlib import asynccontextmanager\n"
        "from pathlib import Path\n"
        "from hooks import hookimpl\n"
        "@hookimpl\n"
        "@asynccontextmanager\n"
        "async def lifespan(gateway):\n"
        f"    path = Path({str(folder / 'opened')!r})\n"
        "    path.write_text((path.read_text() if path.exists() else '') + '+')\n"
        "    yield\n"
        "    path.write_text(path.read_text() + '-')\n"
    )
    path = folder / "plugins.yaml"
    path.write_text("pipeline: [{use: ./counts.py}]\n")
    return path


def test_it_can_be_started_again_after_its_end(behind: Behind, tmp_path: Path) -> None:
    app = CognitudeMiddleware(behind.app, counting(tmp_path), {})
    for _ in range(2):
        with TestClient(app) as client:
            assert client.post(CHAT_PATH, json=CHAT).status_code == 200
    assert (tmp_path / "opened").read_text() == "+-+-"
