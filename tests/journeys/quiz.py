"""An upstream over a socket whose models answer questions of known kinds, each kind as well as it is told to."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import uvicorn

from tests.processes import free_port

KINDS: Final = {
    "math": "Calculate the total price: {n} boxes of 12 apples cost 3 dollars per apple. How many dollars is that?",
    "translation": "Translate the following sentence into French: the number of the house is {n}.",
    "summarization": "Summarize the following report in one sentence. In the year {n} nothing happened.",
    "code": "Write a Python function that returns {n} and its import statement. Explain the code.",
}
_NUMBER: Final = re.compile(r"\b(\d{5})\b")


@dataclass(slots=True)
class Quiz:
    """``shares`` is how often a model is right, by model and kind; 1 for those not named. ``asked`` counts by model."""

    shares: dict[tuple[str, str], float] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def right(self, model: str, kind: str, number: int) -> bool:
        """The same each time for the same question."""
        share = self.shares.get((model, kind), 1.0)
        return random.Random(f"{model}/{kind}/{number}").random() < share

    def answer(self, model: str, prompt: str) -> str:
        self.asked[model] = self.asked.get(model, 0) + 1
        if model == "judge":
            return self._ruling(prompt)
        kind, number = recognised(prompt)
        return f"The answer is {number if self.right(model, kind, number) else number + 1}"

    def _ruling(self, prompt: str) -> str:
        _, number = recognised(prompt)
        first, second = (
            f"The answer is {number}" in part for part in prompt.split("<<<answer A>>>")[1].split("<<<answer B>>>")
        )
        return "TIE" if first == second else "A" if first else "B"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        asked = json.loads(body)
        text = self.answer(asked["model"], asked["messages"][-1]["content"])
        usage = {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200}
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        raw = json.dumps({"object": "chat.completion", "id": "1", "choices": choices, "usage": usage}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": raw})


def question(kind: str, number: int) -> str:
    return KINDS[kind].format(n=number)


def recognised(prompt: str) -> tuple[str, int]:
    found = _NUMBER.search(prompt)
    assert found is not None, prompt
    kinds = [kind for kind, text in KINDS.items() if text.partition("{n}")[0][:20] in prompt]
    return kinds[0], int(found[1])


@contextmanager
def serving(quiz: Quiz) -> Iterator[Quiz]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(quiz, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    quiz.url = f"http://127.0.0.1:{port}"
    try:
        yield quiz
    finally:
        server.should_exit = True
        thread.join()
