"""What the model calls say of themselves; the core takes them before any router sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hooks import Operation

from . import schemas

API_OPERATIONS: Final[Mapping[str, tuple[str, Operation]]] = {
    "/v1/chat/completions": (
        "POST",
        Operation(
            summary="Answer a conversation",
            access="organization",
            tag="Model calls",
            request=schemas.ChatCompletionRequest,
            responses={200: {"application/json": schemas.ChatAnswer, "text/event-stream": schemas.ChatCompletionChunk}},
        ),
    ),
    "/v1/completions": (
        "POST",
        Operation(
            summary="Continue a text",
            access="organization",
            tag="Model calls",
            request=schemas.CompletionRequest,
            responses={200: {"application/json": schemas.CompletionAnswer, "text/event-stream": schemas.Completion}},
        ),
    ),
    "/v1/embeddings": (
        "POST",
        Operation(
            summary="Turn texts into vectors",
            access="organization",
            tag="Model calls",
            request=schemas.EmbeddingRequest,
            responses={200: schemas.EmbeddingAnswer},
        ),
    ),
}
"""Method and operation by path."""
