"""What every OpenAPI document of ours says in words: the errors, the headers, the ways to send a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ERRORS: Final = {
    400: "The request is malformed, or a field of it is wrong; `param` names it.",
    401: "The key is missing or wrong.",
    402: "The budget of the key or its organization is used up.",
    403: "The key may not do this.",
    404: "What the request names does not exist.",
    408: "The request body did not arrive in time.",
    409: "The request contradicts the present state.",
    413: "The request body is too large.",
    415: "The body's content type or encoding is not supported.",
    422: "The request is well-formed and cannot be carried out.",
    429: "Too many requests; try again after `retry-after`.",
    431: "The request headers are too large.",
    500: "The gateway or one of its plugins failed.",
    502: "The provider's answer is no answer, or it could not be reached.",
    503: "The gateway is busy, or no deployment is left to call.",
    504: "The provider did not answer in time.",
}

CALL_NOTE: Final = (
    "Fields that the gateway does not know pass through to the provider. A refusal of the provider's is passed on with "
    "its status. With the header `x-cognitude-dry-run: true` the answer is the decision: which deployments would be "
    "called, and why. With `x-request-timeout-ms: 2000` the whole answer may take no longer than so many milliseconds; "
    "it cannot lengthen what is configured."
)
SECURITY: Final[list[dict[str, list[str]]]] = [{"bearerAuth": []}, {"x-api-key": []}, {"api-key": []}]
SCHEMES: Final = {
    "bearerAuth": {"type": "http", "scheme": "bearer", "description": "The key, as OpenAI's clients send it."},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "As Anthropic's clients do."},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key", "description": "As Azure's clients do."},
}
ACTING_FOR: Final = {
    "name": "organization",
    "in": "query",
    "required": False,
    "description": "With a gateway-admin key: the organization it acts for.",
    "schema": {"type": "string"},
}
DRY_RUN: Final = {
    "name": "x-cognitude-dry-run",
    "in": "header",
    "description": "`true` or `1`: decide where the call would go, and call no provider.",
    "schema": {"type": "string"},
}
HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "x-request-id": {"description": "The id of this request, in every answer and log.", "required": True},
    "retry-after": {"description": "Seconds to wait before the next try, where that is known."},
    "www-authenticate": {"description": "How to send a key."},
    "x-cognitude-source": {"description": "Who wrote the answer: provider, error, dry_run, or a plugin's name."},
    "x-cognitude-model": {"description": "The deployment that answered."},
    "x-cognitude-attempts": {"description": "How many times a provider was called."},
    "x-cognitude-tried": {
        "description": "Where that was more than once, or a deployment was passed over: each deployment with what came "
        "of it and the milliseconds, separated by semicolons."
    },
    "x-cognitude-route": {"description": "Why the routers chose as they did."},
    "x-cognitude-cost-usd": {"description": "What the call cost in US dollars; absent where unknown, and on streams."},
    "x-cognitude-overhead-ms": {"description": "Milliseconds the gateway took, without the provider."},
}
