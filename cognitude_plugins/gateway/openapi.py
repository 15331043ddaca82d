"""The OpenAPI 3.1 document, made of what is really routed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from hooks import Operation

from . import schemas
from .components import Components, Source
from .openapi_words import ACTING_FOR, CALL_NOTE, DRY_RUN, ERRORS, HEADERS, SCHEMES, SECURITY
from .operations import API_OPERATIONS

__all__ = ["API_OPERATIONS", "document"]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_BODILESS: Final = ("get", "head", "delete")
_CALL_ERRORS: Final = (402, 403, 404, 408, 409, 422, 429, 502, 504)
_CONVERTORS: Final[Mapping[str, Mapping[str, Any]]] = {
    "str": {"type": "string", "minLength": 1},
    "path": {"type": "string", "description": "May contain slashes."},
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
}


def document(operations: Iterable[tuple[str, str, Operation]], *, version: str, server: str = "/") -> dict[str, Any]:
    """Each operation as (path as Starlette writes it, method, what it says of itself).

    Of two on the same path and method the first stands, as in routing. Methods that OpenAPI 3.1 has no word for are
    left out. A GET's ``request`` describes its query. A response whose keys are media types has a body of each; an
    error's, if not given, is the shared `Error`. The errors that the gateway answers by itself are added everywhere.
    """
    writer = _Writer()
    for path, method, operation in operations:
        if method.lower() in _METHODS:
            writer.add(path, method.lower(), operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cognitude",
            "version": version,
            "description": "An OpenAI-compatible gateway to language models.",
        },
        "servers": [{"url": server}],
        "tags": list(writer.tags.values()),
        "paths": writer.paths,
        "components": {
            "schemas": writer.components.schemas,
            "responses": writer.responses,
            "headers": {name: {"schema": {"type": "string"}, **HEADERS[name]} for name in sorted(writer.headers)},
            "securitySchemes": SCHEMES,
        },
    }


class _Writer:
    """A document on its way: paths, and the components they came to need."""

    def __init__(self) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.components = Components()
        self.responses: dict[str, Any] = {}
        self.headers: set[str] = set()
        self._ids: set[str] = set()

    def add(self, path: str, method: str, operation: Operation) -> None:
        template, parameters = _template(path)
        item = self.paths.setdefault(template, {})
        if method in item:
            return
        own = API_OPERATIONS.get(path, ("", None))[1] is operation
        call = own or operation.serves is not None
        if operation.tag:
            self.tags.setdefault(operation.tag, {"name": operation.tag})
            if own:
                self.tags[operation.tag]["description"] = CALL_NOTE
        written: dict[str, Any] = {"operationId": self._id(method, template), "summary": operation.summary}
        if call:
            parameters.append(DRY_RUN)
        if operation.tag:
            written["tags"] = [operation.tag]
        if operation.request is not None and method in _BODILESS:
            parameters += self._query(operation.request)
        elif operation.request is not None:
            content = self._content(operation.request, "validation")
            written["requestBody"] = {"required": self._needs_a_body(operation.request), "content": content}
        acting = not call and operation.access not in ("public", "admin")
        if acting and all(one["name"] != ACTING_FOR["name"] for one in parameters):
            parameters.append(ACTING_FOR)
        if parameters:
            written["parameters"] = parameters
        written["responses"] = self._responses(operation, method, "{" in template, call)
        written["security"] = [] if operation.access == "public" else SECURITY
        written["x-cognitude-access"] = operation.access
        item[method] = written

    def _id(self, method: str, template: str) -> str:
        name = wanted = "_".join([method, *re.findall(r"[A-Za-z0-9]+", template)])
        number = 1
        while name in self._ids:
            number += 1
            name = f"{wanted}_{number}"
        self._ids.add(name)
        return name

    def _query(self, request: Source) -> Iterator[dict[str, Any]]:
        schema = self.components.use(request, "validation")
        if "$ref" in schema:
            schema = self.components.schemas[schema["$ref"].rpartition("/")[2]]
        for name, one in schema.get("properties", {}).items():
            described = {"description": one["description"]} if "description" in one else {}
            required = name in schema.get("required", ())
            yield {"name": name, "in": "query", "required": required, **described, "schema": one}

    def _needs_a_body(self, request: Source) -> bool:
        """A model all of whose fields may be left out stands for a body that may be."""
        return not isinstance(request, type) or any(one.is_required() for one in request.model_fields.values())

    def _content(self, source: Source, mode: Any) -> dict[str, Any]:
        by_type = source if not isinstance(source, type) and _is_by_media_type(source) else {"application/json": source}
        content = {}
        for media_type, one in by_type.items():
            schema = self.components.use(one, mode)
            if media_type == "text/event-stream" and isinstance(one, type):
                schema = _events(schema, self.components.use(schemas.Error, mode))
            content[media_type] = {"schema": schema}
        return content

    def _responses(self, operation: Operation, method: str, named: bool, call: bool) -> dict[str, Any]:
        statuses = {**dict.fromkeys(_errors(operation, method, named, call)), **operation.responses}
        if not any(status < 400 for status in statuses):
            statuses[200] = None
        return {
            str(status): self._error(status)
            if status >= 400 and source in (None, schemas.Error)
            else self._response(status, source, call)
            for status, source in sorted(statuses.items())
        }

    def _error(self, status: int) -> dict[str, Any]:
        name = f"Error{status}"
        if name not in self.responses:
            self.responses[name] = self._response(status, schemas.Error, False)
        return {"$ref": f"#/components/responses/{name}"}

    def _response(self, status: int, source: Source | None, call: bool) -> dict[str, Any]:
        headers = list(_headers(status, call))
        self.headers.update(headers)
        response: dict[str, Any] = {
            "description": ERRORS.get(status, _phrase(status)),
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        }
        return response if source is None else {**response, "content": self._content(source, "serialization")}


def _template(path: str) -> tuple[str, list[dict[str, Any]]]:
    """``/a/{id:path}`` as ``/a/{id}`` and its parameters. Convertors that are not Starlette's own count as strings."""
    parameters = []
    for name, convertor in re.findall(r"{(\w+)(?::(\w+))?}", path):
        schema = _CONVERTORS.get(convertor or "str", _CONVERTORS["str"])
        parameters.append({"name": name, "in": "path", "required": True, "schema": dict(schema)})
    return re.sub(r"{(\w+):\w+}", r"{\1}", path), parameters


def _errors(operation: Operation, method: str, named: bool, call: bool) -> Iterator[int]:
    """What the gateway itself may answer there."""
    yield 500
    if operation.access != "public":
        yield from (400, 401, 431, 503)
    if operation.access not in ("public", "organization"):
        yield 403
    if named or operation.access not in ("public", "admin"):
        yield 404
    if operation.request is not None:
        yield from (400,) if method in _BODILESS else (400, 413, 415)
    if call:
        yield from _CALL_ERRORS


def _headers(status: int, call: bool) -> Iterator[str]:
    yield "x-request-id"
    if status == 401:
        yield "www-authenticate"
    if status in (429, 503):
        yield "retry-after"
    if call:
        yield from (name for name in HEADERS if name.startswith("x-cognitude-"))


def _is_by_media_type(source: Mapping[str, Any]) -> bool:
    """No keyword of JSON Schema has a slash in it."""
    return bool(source) and all("/" in key for key in source)


def _events(*carried: dict[str, Any]) -> dict[str, Any]:
    """One event of a stream: before OpenAPI 3.2 the schema of this media type describes each event."""
    value = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": list(carried)}}
    return {
        "type": "object",
        "description": "One server-sent event. The last is [DONE]; a stream that breaks off ends with an error.",
        "required": ["data"],
        "properties": {"data": {"anyOf": [value, {"const": "[DONE]"}]}},
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
