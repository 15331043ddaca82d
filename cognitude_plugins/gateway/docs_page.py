"""The OpenAPI document as one page that needs nothing else: no script, no font, no file from anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urljoin

from .docs_schema import Schemas, prose
from .docs_style import STYLE

_ACCESS: Final = {
    "public": "no key",
    "organization": "any key",
    "member": "member's key",
    "organization_admin": "admin's key",
    "admin": "gateway-admin key",
}
_FALLBACK: Final = "http://127.0.0.1:8080"
_UNTAGGED: Final = "Other"


def page(document: Mapping[str, Any]) -> str:
    """HTML for a document as `openapi.document` makes it.

    Works under ``default-src 'none'; style-src 'unsafe-inline'``.
    """
    info = document["info"]
    groups = _groups(document)
    described = _Described(document)
    about = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    sections = "".join(described.section(tag, about.get(tag, ""), rows) for tag, rows in groups.items())
    title = escape(info["title"])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<nav aria-label=Endpoints>{_contents(groups)}</nav><main><header><h1>{title}</h1>"
        f'<p class="lead">{prose(info.get("description", ""))}</p>'
        f'<p class="muted">Version {escape(info["version"])} · <a href="openapi.json">OpenAPI document</a></p></header>'
        f"{_authentication(document)}{sections}</main></body></html>\n"
    )


Row = tuple[str, str, Mapping[str, Any]]


def _groups(document: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Method, path and operation by tag, in the document's order."""
    groups: dict[str, list[Row]] = {tag["name"]: [] for tag in document.get("tags", ())}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = next(iter(operation.get("tags", ())), _UNTAGGED)
            groups.setdefault(tag, []).append((method, path, operation))
    return {tag: rows for tag, rows in groups.items() if rows}


def _contents(groups: Mapping[str, list[Row]]) -> str:
    lists = ['<a class="skip" href="#authentication">Authentication</a>']
    for tag, rows in groups.items():
        links = "".join(
            f'<li><a href="#{escape(one["operationId"])}">{_badge(method)}<span>{_breakable(path)}</span></a></li>'
            for method, path, one in rows
        )
        lists.append(f"<h2>{escape(tag)}</h2><ul>{links}</ul>")
    return "".join(lists)


def _authentication(document: Mapping[str, Any]) -> str:
    schemes = document["components"].get("securitySchemes", {})
    rows = "".join(
        f"<li><code>{escape(_header(scheme))}</code> <span>{prose(scheme.get('description', ''))}</span></li>"
        for scheme in schemes.values()
    )
    shown = f"<pre><code>{escape(example)}</code></pre>" if (example := _curl(document)) else ""
    return (
        '<section id="authentication"><h2>Authentication</h2>'
        "<p>Send your key in one of these headers. Send one key only: two different ones are refused.</p>"
        f'<ul class="schemes">{rows}</ul>{shown}</section>'
    )


def _header(scheme: Mapping[str, Any]) -> str:
    return "Authorization: Bearer KEY" if scheme["type"] == "http" else f"{scheme['name']}: KEY"


def _curl(document: Mapping[str, Any]) -> str | None:
    """The first operation with a body, ready to be pasted; None when there is none."""
    schemas = Schemas(document)
    for rows in _groups(document).values():
        for method, path, operation in rows:
            media = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method == "post" and media:
                url = urljoin(_FALLBACK, document["servers"][0]["url"]).rstrip("/") + path
                body = json.dumps(schemas.example(media["schema"])).replace("'", "'\\''")
                lines = [f"curl {url}", '-H "Authorization: Bearer $COGNITUDE_KEY"']
                return " \\\n  ".join([*lines, '-H "Content-Type: application/json"', f"-d '{body}'"])
    return None


def _badge(method: str) -> str:
    return f'<b class="method {escape(method)}">{escape(method.upper())}</b>'


def _breakable(path: str) -> str:
    """A path that may be broken at its slashes."""
    return escape(path).replace("/", "/<wbr>")


class _Described:
    """Operations as HTML."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas = Schemas(document)

    def section(self, tag: str, about: str, rows: list[Row]) -> str:
        articles = "".join(self._operation(*row) for row in rows)
        said = f'<p class="about">{prose(about)}</p>' if about else ""
        return f"<section><h2>{escape(tag)}</h2>{said}{articles}</section>"

    def _operation(self, method: str, path: str, operation: Mapping[str, Any]) -> str:
        access = str(operation.get("x-cognitude-access", ""))
        about = f"<p>{prose(operation['description'])}</p>" if "description" in operation else ""
        return (
            f'<article id="{escape(operation["operationId"])}"><h3>{_badge(method)}<code>{_breakable(path)}</code>'
            f'<span class="access {escape(access)}">{escape(_ACCESS.get(access, access))}</span></h3>'
            f'<p class="summary">{prose(operation["summary"])}</p>{about}'
            f"{self._parameters(operation)}{self._request(operation)}{self._responses(operation)}</article>"
        )

    def _parameters(self, operation: Mapping[str, Any]) -> str:
        rows = "".join(
            self._schemas.row(
                one["name"],
                {**one["schema"], "description": one.get("description", one["schema"].get("description", ""))},
                required=one.get("required", False),
                where=one["in"],
            )
            for one in operation.get("parameters", ())
        )
        return f'<h4>Parameters</h4><ul class="fields">{rows}</ul>' if rows else ""

    def _request(self, operation: Mapping[str, Any]) -> str:
        content = operation.get("requestBody", {}).get("content", {})
        return "".join(
            f"<details><summary>Request <span>{escape(kind)}</span></summary>{self._schemas.body(media['schema'])}"
            "</details>"
            for kind, media in content.items()
        )

    def _responses(self, operation: Mapping[str, Any]) -> str:
        shared: list[str] = []
        own: list[str] = []
        for status, response in operation["responses"].items():
            if "$ref" in response:
                shared.append(self._error(status, self._resolved(response)))
            else:
                own += self._response(status, response)
        envelope = self._schemas.body({"$ref": "#/components/schemas/Error"}) if shared else ""
        errors = f'<ul class="statuses">{"".join(shared)}</ul>{envelope}'
        count = f"<span>{len(shared)} statuses, one envelope</span>"
        return "".join(own) + (f"<details><summary>Errors {count}</summary>{errors}</details>" if shared else "")

    def _response(self, status: str, response: Mapping[str, Any]) -> Iterator[str]:
        said = "" if response["description"] == "OK" else f"<p>{prose(response['description'])}</p>"
        headers = self._headers(response)
        for kind, media in response.get("content", {"": None}).items():
            body = self._schemas.body(media["schema"]) if media else "<p>No body.</p>"
            label = f"<summary>{_status(status)} <span>{escape(kind)}</span></summary>"
            yield f"<details>{label}{said}{body}{headers}</details>"

    def _headers(self, response: Mapping[str, Any]) -> str:
        rows = "".join(
            f"<li><code>{escape(name)}</code> <span>{prose(self._resolved(header).get('description', ''))}</span></li>"
            for name, header in response.get("headers", {}).items()
        )
        return f'<h4>Headers</h4><ul class="statuses">{rows}</ul>' if rows else ""

    def _error(self, status: str, response: Mapping[str, Any]) -> str:
        return f"<li>{_status(status)} <span>{prose(response['description'])}</span></li>"

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = part
        if "$ref" in part:
            found = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        return dict(found)


def _status(status: str) -> str:
    return f'<b class="status s{escape(status[:1])}">{escape(status)}</b>'
