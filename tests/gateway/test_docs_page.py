from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from pydantic import BaseModel, Field

from cognitude_plugins.gateway.docs_page import page
from cognitude_plugins.gateway.openapi import API_OPERATIONS, document
from hooks import Operation

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&`</code><b>`"
VOID = {"meta", "wbr", "link", "br", "img"}


class Seen(HTMLParser):
    """Every tag with its attributes, the text, and whether each tag was closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def attributes(self, name: str) -> list[str | None]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]


class Node(BaseModel):
    name: str = Field(description=HOSTILE, examples=[HOSTILE])
    below: list[Node] = []


def calls() -> list[tuple[str, str, Operation]]:
    return [(path, method, operation) for path, (method, operation) in API_OPERATIONS.items()]


def shown(*operations: tuple[str, str, Operation]) -> Seen:
    seen = Seen(page(document(operations, version="1.2.3")))
    assert seen.open == []
    return seen


def test_every_operation_is_there_with_its_method_path_access_and_summary() -> None:
    own = Operation(summary="Read it again", access="admin", tag="Administration")
    text = shown(*calls(), ("/admin/reload", "POST", own)).text
    for path, method, operation in calls():
        assert f"{method}{path}member's key{operation.summary}" in text
    assert "POST/admin/reloadgateway-admin keyRead it again" in text


def test_nothing_is_loaded_from_anywhere_and_nothing_is_run() -> None:
    html = page(document(calls(), version="1"))
    seen = Seen(html)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in seen.tags}
    assert not {"src", "srcset", "style", "onclick"} & {name for _, attrs in seen.tags for name in attrs}
    assert all(
        href is not None and (href.startswith("#") or href == "openapi.json") for href in seen.attributes("href")
    )
    assert not re.search(r"@import|url\(", html)


def test_every_link_of_the_contents_leads_to_a_place_on_the_page() -> None:
    seen = shown(*calls(), ("/a/b", "GET", described()), ("/a-b", "GET", described()))
    ids = seen.attributes("id")
    assert len(ids) == len(set(ids))
    assert {f"#{one}" for one in ids} == {href for href in seen.attributes("href") if href and href.startswith("#")}


def test_a_hostile_text_is_shown_and_not_obeyed() -> None:
    hostile = Operation(summary=HOSTILE, access="public", tag=HOSTILE, request=Node, responses={200: Node})
    schema: dict[str, Any] = {"title": HOSTILE, "type": "object", "properties": {HOSTILE: {"enum": [HOSTILE]}}}
    seen = shown(
        ("/a", "POST", hostile),
        ("/b", "POST", Operation(summary="b", access="public", request=schema, responses={200: schema})),
    )
    assert not {"script", "img"} & {tag for tag, _ in seen.tags}
    assert "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&" in seen.text
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)


def test_a_schema_that_contains_itself_is_shown_once() -> None:
    described_ = Operation(summary="a tree", access="public", responses={200: Node})
    assert shown(("/tree", "GET", described_)).text.count("below") == 1


def test_the_fields_of_requests_and_answers_are_folded_up() -> None:
    seen = shown(*calls())
    assert sum(tag == "details" for tag, _ in seen.tags) > 10
    assert not any("open" in attrs for tag, attrs in seen.tags if tag == "details")
    assert "messages array of ChatMessage; 1 or more; up to 4096 required" in seen.text


def test_the_example_can_be_pasted_and_names_what_is_required() -> None:
    text = shown(*calls()).text
    example = text[text.index("curl http") :]
    assert example.startswith("curl http://127.0.0.1:8080/v1/chat/completions \\\n")
    assert '"model": "sim"' in example
    assert '"content": "Hello"' in example


def test_a_quote_in_an_example_cannot_end_the_shells_string() -> None:
    text = shown(("/a", "POST", Operation(summary="a", access="public", request=Node))).text
    body = text[text.index("-d '") + 4 :]
    assert "\\\"'\\''&" in body


def test_a_page_without_operations_is_a_page() -> None:
    assert "Authentication" in shown().text


def test_parameters_say_where_they_go() -> None:
    text = shown(("/models/{id:path}", "GET", described())).text
    assert "id path; string requiredMay contain slashes." in text


def described() -> Operation:
    return Operation(summary="Something", access="organization")
