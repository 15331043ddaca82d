"""The contract's page has every hook with its exact signature, and every example on it runs."""

from __future__ import annotations
import __future__

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import hooks
from hooks import spec

README = Path(hooks.__file__).with_name("README.md")
TEXT = README.read_text()
HOOKS = (*spec.STAGES, *spec.CONTRIBUTIONS)
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(title: str) -> Iterator[CodeType]:
    """The python blocks of one section, at the lines where they stand in the file."""
    start = TEXT.index(f"\n## {title}\n") + 1
    for found in re.finditer(r"^```python\n(.*?)^```$", sections()[title], re.MULTILINE | re.DOTALL):
        above = TEXT.count("\n", 0, TEXT.index(found[0], start)) + 1
        yield compile("\n" * above + found[1], str(README), "exec", flags=FLAGS, dont_inherit=True)


def signature(name: str) -> str:
    function = ast.parse(inspect.getsource(getattr(spec, name))).body[0]
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    function.decorator_list, function.body = [], [ast.Expr(ast.Constant(...))]
    return ast.unparse(function).replace(":\n    ...", ": ...")


def test_every_hook_has_a_section_and_there_is_no_other_hook() -> None:
    assert [title for title in sections() if title.islower()] == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_each_section_begins_with_the_exact_signature(name: str) -> None:
    assert sections()[name].startswith(f"\n\n```python\n{signature(name)}\n```\n")


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_described_and_has_an_example_that_asserts_something(name: str) -> None:
    section = sections()[name]
    for part in ("**When** ", "**Return** ", "**Guaranteed**", "guaranteed**:"):
        assert part in section, part
    example = section.split("```python\n")[2]
    assert re.search(rf"@hookimpl\n(    @\w+\n)?    (async )?def {name}\(self", example)
    assert "\nassert " in example or "    assert " in example


@pytest.mark.parametrize("title", [title for title in sections() if "```python" in sections()[title]])
async def test_the_examples_of_a_section_run(title: str) -> None:
    namespace: dict[str, Any] = {"__name__": "readme", "__file__": str(README)}
    for block in blocks(title):
        result = eval(block, namespace)
        if inspect.isawaitable(result):
            await result


def test_every_link_on_the_page_leads_to_a_section() -> None:
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in sections()}
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert links
    assert set(links) <= anchors


def test_everything_the_contract_exports_for_plugins_is_mentioned() -> None:
    lent_or_typing = {
        "Access",
        "Api",
        "ConfigError",
        "Database",
        "Decision",
        "Headers",
        "Ledger",
        "Operation",
        "Payload",
        "Problem",
        "Role",
    }
    internal = {"Usage", "freeze", "hookspec"}
    for name in set(hooks.__all__) - lent_or_typing - internal:
        assert re.search(rf"\b{name}\b", TEXT), name
