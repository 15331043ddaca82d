"""What the model calls say of themselves; the core takes them before any router sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hooks import Operation

from . import call_schemas as bodies

API_OPERATIONS: Final[Mapping[str, tuple[str, Operation]]] = {
    "/v1/chat/completions": (
        "POST",
        Operation(
            summary="Answer a conversation",
            access="member",
            tag="Model calls",
            request=bodies.ChatCompletionRequest,
            responses={200: {"application/json": bodies.ChatAnswer, "text/event-stream": bodies.ChatCompletionChunk}},
        ),
    ),
    "/v1/completions": (
        "POST",
        Operation(
            summary="Continue a text",
            access="member",
            tag="Model calls",
            request=bodies.CompletionRequest,
            responses={200: {"application/json": bodies.CompletionAnswer, "text/event-stream": bodies.Completion}},
        ),
    ),
    "/v1/embeddings": (
        "POST",
        Operation(
            summary="Turn texts into vectors",
            access="member",
            tag="Model calls",
            request=bodies.EmbeddingRequest,
            responses={200: bodies.EmbeddingAnswer},
        ),
    ),
}
"""Method and operation by path."""
