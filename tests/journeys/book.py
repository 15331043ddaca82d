"""A plugin that writes one line for every outcome, and how to read what it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BOOK = """
from __future__ import annotations
import json
from pathlib import Path
from hooks import hookimpl

BOOK = Path(__file__).with_name("book.jsonl")


@hookimpl
async def post_response(call, reply):
    def note(outcome):
        line = {
            "id": call.id, "complete": outcome.complete, "error": outcome.error, "status": outcome.status,
            "source": outcome.source, "seconds": outcome.seconds, "first": outcome.time_to_first_token,
            "usage": outcome.usage and outcome.usage.completion_tokens, "attempts": outcome.attempts,
            "body": outcome.body, "deployment": outcome.deployment and outcome.deployment.id,
            "drained": outcome.drained,
        }
        with BOOK.open("a") as book:
            book.write(json.dumps(line) + "\\n")
    return reply.on_complete(note)
"""


def booked(folder: Path) -> list[dict[str, Any]]:
    """The lines that are complete; the last one may just be being written."""
    path = folder / "book.jsonl"
    written = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in written[: written.rfind("\n") + 1].splitlines()]
