from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.interpolate import Interpolated, interpolate
from cognitude_plugins.gateway.yamlfile import Document

ENVIRON = {"A": "alpha", "PORT": "9000", "EMPTY": "", "NESTED": "${A}", "YES": "true", "BRACE": "}${A"}


def run(text: str, environ: dict[str, str] | None = None) -> Interpolated:
    document = Document.parse("", file="p.yaml")
    document = Document(data={"k": [text]}, file="p.yaml", _root=document._root)
    return interpolate(document, ENVIRON if environ is None else environ)


def value(text: str) -> Any:
    done = run(text)
    assert not done.problems
    return done.data["k"][0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "alpha"),
        ("x-${A}-y-${PORT}", "x-alpha-y-9000"),
        ("${MISSING:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${A:-default}", "alpha"),
        ("${MISSING:-}", None),
        ("${EMPTY}", None),
        ("a${MISSING:-}b", "ab"),
        ("${MISSING:-a:-b}", "a:-b"),
        ("${MISSING:-http://h:1/v1}", "http://h:1/v1"),
        ("os.environ/A", "alpha"),
        ("see os.environ/A", "see os.environ/A"),
        ("$${A}", "${A}"),
        ("$${A} ${A}", "${A} alpha"),
        ("$$${A}", "$${A}"),
        ("$A {A} $ 5$", "$A {A} $ 5$"),
    ],
)
def test_a_reference_becomes_its_value(text: str, result: Any) -> None:
    assert value(text) == result


def test_a_value_that_is_one_reference_is_typed_as_yaml_would_type_it() -> None:
    assert value("${PORT}") == 9000
    assert value("${YES}") is True
    assert value("${MISSING:-0.5}") == 0.5
    assert value("os.environ/PORT") == 9000
    assert value("${PORT}0") == "90000"


def test_what_is_put_in_is_not_looked_at_again() -> None:
    assert value("${NESTED}") == "${A}"
    assert value("${BRACE}}") == "}${A}"


def test_keys_are_left_alone() -> None:
    document = Document.parse("'${A}': '${A}'\n", file="p.yaml")
    assert interpolate(document, ENVIRON).data == {"${A}": "alpha"}


def test_a_missing_variable_is_named_with_its_path_and_line() -> None:
    document = Document.parse("a: 1\nmodels:\n  - name: x\n    api_key: ${KEY}\n  - os.environ/OTHER\n", file="p.yaml")
    done = interpolate(document, {})
    assert [str(problem) for problem in done.problems] == [
        "p.yaml:4: models[0].api_key: the environment variable KEY is not set, and there is no default (${KEY:-…})",
        "p.yaml:5: models[1]: the environment variable OTHER is not set, and there is no default (${OTHER:-…})",
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1A}", "${A-b}", "${A:b}", "${a b}", "${${A}}", "x${A:-${B}}"])
def test_a_reference_that_is_none_is_a_problem(text: str) -> None:
    assert run(text).problems[0].rule == (
        "has a ${…} that is neither ${NAME} nor ${NAME:-default}; a literal ${ is written $${"
    )


def test_values_that_came_by_interpolation_are_remembered_by_path() -> None:
    document = Document.parse("a: ${A}\nb: plain\nc: $${A}\nd: ['x-${PORT}', os.environ/A]\n", file="p.yaml")
    assert interpolate(document, ENVIRON).texts == {("a",): "alpha", ("d", 0): "x-9000", ("d", 1): "alpha"}


def test_nothing_is_done_below_a_path_to_skip() -> None:
    document = Document.parse("models: ['${X}', '${A}']\n", file="p.yaml")
    done = interpolate(document, ENVIRON, skip=frozenset({("models", 0)}))
    assert done.data == {"models": ["${X}", "alpha"]}
    assert not done.problems


@given(st.text().filter(lambda text: "${" not in text and not text.startswith("os.environ/")))
def test_text_without_a_marker_comes_out_identical(text: str) -> None:
    done = run(text)
    assert done.data == {"k": [text]}
    assert not done.texts
    assert not done.problems


@given(st.text())
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    if not text.startswith("os.environ/"):
        assert run(text.replace("${", "$${")).data == {"k": [text]}


PIECES = st.lists(st.sampled_from(["${", "$${", "}", ":-", "A", "MISSING", "$", "{", " ", "os.environ/", "\n", "é"]))


@given(PIECES, st.dictionaries(st.sampled_from(["A", "B"]), st.text()))
def test_any_text_is_interpolated_or_a_problem(pieces: list[str], environ: dict[str, str]) -> None:
    done = run("".join(pieces), environ)
    assert done.problems or done.data["k"]


@given(st.text(st.characters(exclude_characters="\x00"), max_size=30))
def test_a_variable_is_put_in_whatever_it_holds(text: str) -> None:
    assert run("<${A}>", {"A": text}).data == {"k": [f"<{text}>"]}
