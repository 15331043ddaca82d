"""A file of requests is read whole or refused with the line that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cognitude_plugins.gateway.replay.item import Item
from cognitude_plugins.gateway.replay.requests_file import WrongLine, items
from cognitude_plugins.gateway.validate import CallLimits

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
GOOD = {"at": "2026-11-02T09:00:00Z", "organization": "acme", "body": BODY}


def read(path: Path, *lines: Any) -> list[Item]:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return list(items(path, CallLimits(messages=10, n=4)))


def test_a_request_is_a_row_with_its_body(tmp_path: Path) -> None:
    answer = {"prompt_tokens": 5, "completion_tokens": 7, "latency_ms": 20}
    first, second = read(tmp_path / "r", GOOD, "", {**GOOD, "tags": {"a": "b"}, "answer": answer})
    assert (first.row.requested_model, first.row.max_tokens, first.answered) == ("m", 9, False)
    assert (second.row.id, second.row.tags, second.row.latency_us) == ("line-3", {"a": "b"}, 20_000)
    assert second.answered
    assert second.body == BODY


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no JSON"),
        ({**GOOD, "at": "2026-11-02T09:00:00"}, "at: Input should have timezone info"),
        ({**GOOD, "at": "2026-11-02T08:00:00Z"}, "before that of a line above it"),
        ({**GOOD, "organisation": "x"}, "organisation: Extra inputs are not permitted"),
        ({**GOOD, "body": {"messages": BODY["messages"]}}, "body: "),
        ({**GOOD, "answer": {"prompt_tokens": -1}}, "answer.prompt_tokens: Input should be greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: Any, said: str) -> None:
    with pytest.raises(WrongLine, match="r, line 2: ") as error:
        read(tmp_path / "r", GOOD, line)
    assert said in str(error.value)
