from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognitude_plugins.gateway.scalar import scalar
from cognitude_plugins.gateway.yamlfile import MAX_BYTES, Document
from cognitude_plugins.gateway.yamltree import path_text
from hooks import ConfigError, Problem


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        Document.parse(text, file="p.yaml")
    return str(raised.value)


def data(text: str) -> Any:
    return Document.parse(text, file="p.yaml").data


def test_off_yes_and_no_are_strings_as_in_yaml_1_2() -> None:
    assert data("[off, on, yes, no, true, False]") == ["off", "on", "yes", "no", True, False]


def test_numbers_and_null_are_those_of_the_core_schema() -> None:
    assert data("[1, -2, 010, 0o10, 0xff, 1.5, 1e3, .5, ~, null, '', 2024-10-21, 1:30, 1_000]") == [
        *(1, -2, 10, 8, 255, 1.5, 1000.0, 0.5, None, None, ""),
        *("2024-10-21", "1:30", "1_000"),
    ]
    assert scalar("-.inf") == -math.inf
    assert math.isnan(float(str(scalar(".nan"))))


def test_quoting_makes_a_string() -> None:
    assert data("a: \"1\"\nb: 'true'\nc: !!str 2\nd: ''\ne: |\n  3\n") == {
        "a": "1",
        "b": "true",
        "c": "2",
        "d": "",
        "e": "3\n",
    }


def test_keys_are_the_text_that_is_written() -> None:
    assert data("1: a\ntrue: b\n~: c\n") == {"1": "a", "true": "b", "~": "c"}


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert data("") == {}
    assert data("# nothing\n") == {}


def test_every_key_and_item_knows_its_line() -> None:
    document = Document.parse("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n\nd: {e: 1,\n  f: 2}\n", file="p.yaml")
    lines = {(): 1, ("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 1): 5, ("a", "c", 1, "y"): 5, ("d", "f"): 8}
    assert {path: document.line_of(path) for path in lines} == lines


def test_the_line_of_what_is_absent_is_that_of_its_nearest_ancestor() -> None:
    document = Document.parse("a:\n  b: 1\nc: []\n", file="p.yaml")
    assert document.line_of(("a", "z", 4)) == 1
    assert document.line_of(("c", 7)) == 3
    assert document.line_of(("z",)) == 1


def test_what_an_alias_holds_is_on_the_line_where_it_is_written() -> None:
    document = Document.parse("x: &t\n  limit: 1\ny: *t\nz:\n  <<: *t\n  more: 2\n", file="p.yaml")
    assert document.data["y"] == {"limit": 1}
    assert document.data["z"] == {"limit": 1, "more": 2}
    assert document.line_of(("y",)) == 3
    assert document.line_of(("y", "limit")) == document.line_of(("z", "limit")) == 2


def test_a_merged_key_gives_way_to_one_written_out() -> None:
    assert data("a: &a {k: 1, l: 1}\nb: &b {k: 2}\nc: {<<: [*b, *a], l: 3}\n")["c"] == {"k": 2, "l": 3}
    assert data("a: &a {k: 1}\nc: {k: 3, <<: *a}\n")["c"] == {"k": 3}


def test_duplicate_keys_are_refused_with_both_lines_and_all_at_once() -> None:
    assert refused("a: 1\nb:\n  - c: 1\n    c: secret\na: 2\n") == (
        "p.yaml:4: b[0].c: is there twice, first on line 3\np.yaml:5: a: is there twice, first on line 1"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: [1\nb: 2\n",
            "p.yaml:2: the file: is not YAML: while parsing a flow sequence, expected ',' or ']', but got",
        ),
        ("a: b: c\n", "p.yaml:1: the file: is not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2\n", "p.yaml:2: the file: is not YAML: while scanning"),
        ("a: 1\nb: \x00\n", "p.yaml:2: the file: holds a character that YAML does not allow"),
        ("a: *b\n", "p.yaml:1: the file: has an alias to an anchor that is not above it"),
        ("a: &a [*a]\n", "p.yaml:1: the file: has an alias to an anchor that is not above it"),
        ("a: !foo bar\n", "p.yaml:1: the file: has a tag: tags have no meaning here"),
        ("a: !!python/name:os.system {}\n", "p.yaml:1: the file: has a tag: tags have no meaning here"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2: the file: holds more than one YAML document"),
        ("? [a]\n: 1\n", "p.yaml:1: the file: has a key that is not plain text"),
        ("x: &x 1\n? *x\n: 1\n", "p.yaml:2: the file: has a key that is not plain text"),
        ("a: {<<: 1}\n", "p.yaml:1: the file: has a merge key (<<) whose value is not a mapping"),
        ("a: " + "[" * 65, "p.yaml:1: the file: is nested deeper than 64 levels"),
        ('a: "\\UFFFFFFFF"\n', "p.yaml:1: the file: is not YAML from here on (OverflowError)"),
    ],
)
def test_what_is_not_a_configuration_is_refused_with_its_line(text: str, message: str) -> None:
    assert refused(text).startswith(message)


def test_a_syntax_error_quotes_nothing_of_the_file() -> None:
    assert "hunter2" not in refused('secret: "hunter2\nother: hunter2: hunter2\n')


def test_a_reference_that_needs_quotes_is_pointed_out() -> None:
    assert refused("a: {port: ${PORT}}\n").endswith("; a ${…} inside [ ] or { } must be quoted")


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert "holds more than 100000 values, aliases counted as often as they are used" in refused(bomb)


def test_nesting_a_million_deep_is_refused_and_not_a_crash() -> None:
    assert refused("[" * 1_000_000).endswith("is nested deeper than 64 levels")
    assert "is n" in refused("\n".join(" " * depth + "a:" for depth in range(1000)))


def test_a_file_over_a_mebibyte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="is over 1048576 bytes"):
        Document.read(file)


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        Document.read(tmp_path / "p.yaml")


def test_a_file_that_is_not_utf8_is_a_problem_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"p\.yaml:2: the file: is not UTF-8 text"):
        Document.read(file)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert Document.read(file).data == {"a": 1}


def test_a_path_reads_as_in_the_error_messages() -> None:
    assert path_text(("models", 1, "headers", "x-a")) == "models[1].headers.x-a"
    assert path_text(()) == ""


TEXT = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), include_characters="\n\t"), max_size=20)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT.filter(lambda key: key and "<<" not in key), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_read_as_json(value: Any) -> None:
    assert data(json.dumps({"root": value}, ensure_ascii=False)) == {"root": value}


@given(VALUES)
def test_indented_json_has_the_lines_it_is_written_on(value: Any) -> None:
    text = json.dumps({"before": value, "root": 1}, indent=1, ensure_ascii=False)
    assert Document.parse(text, file="p.yaml").line_of(("root",)) == text.count("\n")


def outcome(read: Callable[[], Document]) -> Document | tuple[Problem, ...]:
    try:
        return read()
    except ConfigError as error:
        return error.problems


@given(st.text(alphabet=st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,.\n \t\\x0U~<1"), max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_config_error(text: str) -> None:
    assert outcome(lambda: Document.parse(text, file="p.yaml"))


@given(st.binary(max_size=60))
def test_any_file_is_read_or_refused_with_a_config_error(raw: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        assert outcome(lambda: Document.read(Path(file.name)))
