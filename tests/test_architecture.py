"""The shape of the source: the import star, the anatomy of a plugin, the size of a module, no I/O before `lifespan`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOOKS = ROOT / "hooks"
PLUGINS = ROOT / "cognitude_plugins"
GATEWAY = PLUGINS / "gateway"
TESTS = ROOT / "tests"

MOST_LINES = 300
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "service", "misc"}

MAY_CATCH_EVERYTHING = {
    GATEWAY / "steps.py": "the stage guard",
    GATEWAY / "layers.py": "the stage guard, for what a plugin left to be run later",
    GATEWAY / "watchers.py": "the watchers",
    GATEWAY / "scheduler.py": "the scheduler",
    GATEWAY / "replay" / "loop.py": "what is done at once in place of in a thread: it is raised where it is awaited",
    GATEWAY / "foreign.py": "what a plugin's own code raises outside any request, made into a PluginError",
}
MAY_PRINT = GATEWAY / "cli"
LAZY_IN_HOOKS = {
    HOOKS / "testing.py": {"pytest"},
    HOOKS / "remote.py": {"click", "httpx"},
    HOOKS / "endpoint.py": {"pydantic", "starlette"},
}

TESTS_OF_NO_MODULE = {
    "test_architecture.py",
    "test_benchmarks.py",
    "test_docs.py",
    "test_supply_chain.py",
    "hooks/test_readme.py",
    "limiter/test_script.py",
    "limiter/test_twins.py",
}
TEST_FOLDERS_OF_NO_SOURCE = {"journeys", "third_party", "bench", "conformance", "docs", "eval"}


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def plugin_folders() -> list[Path]:
    return sorted(path.parent for path in PLUGINS.glob("*/__init__.py") if path.parent != GATEWAY)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = [*python_files(HOOKS), *python_files(PLUGINS)]
each_source = pytest.mark.parametrize("path", SOURCES, ids=shown)
each_plugin = pytest.mark.parametrize("folder", plugin_folders(), ids=lambda path: path.name)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module by its absolute name; ``typing`` if only under TYPE_CHECKING, ``lazy`` if in a function."""

    name: str
    line: int
    typing: bool
    lazy: bool


def imports_of(path: Path) -> list[Import]:
    tree = ast.parse(path.read_text())
    return list(_imports(tree, package_of(path), typing=False, lazy=False))


def package_of(path: Path) -> list[str]:
    """The package a relative import in this file starts from."""
    return list(path.relative_to(ROOT).parent.parts)


def _imports(node: ast.AST, package: list[str], *, typing: bool, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, typing, lazy)
        elif isinstance(child, ast.ImportFrom):
            start = package[: len(package) - child.level + 1] if child.level else []
            module = ".".join([*start, *([child.module] if child.module else [])])
            for alias in child.names:
                yield Import(f"{module}.{alias.name}", child.lineno, typing, lazy)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.body:
                yield from _imports(ast.Module([statement], []), package, typing=True, lazy=lazy)
            for statement in child.orelse:
                yield from _imports(ast.Module([statement], []), package, typing=typing, lazy=lazy)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, package, typing=typing, lazy=lazy or inside)


def ours(name: str) -> str | None:
    """Which of our parts a module belongs to: ``hooks``, ``gateway``, a plugin's folder name; None if not ours."""
    parts = name.split(".")
    if parts[0] == "hooks":
        return "hooks"
    if parts[0] == "cognitude_plugins":
        return parts[1] if len(parts) > 1 and (PLUGINS / parts[1]).is_dir() else "cognitude_plugins"
    return None


def part_of(path: Path) -> str | None:
    return ours(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    """The checks below are worth what this walk is: relative, nested, aliased and typing-only imports."""
    source = """
import json as j
from .. import plan
from ..redact.rules import Rule
from . import attempts
if TYPE_CHECKING:
    from sqlmodel import SQLModel
else:
    import click
def f():
    try:
        import pytest
    except ImportError:
        pass
"""
    found = list(_imports(ast.parse(source), ["cognitude_plugins", "gateway"], typing=False, lazy=False))
    assert [(one.name, one.typing, one.lazy) for one in found] == [
        ("json", False, False),
        ("cognitude_plugins.plan", False, False),
        ("cognitude_plugins.redact.rules.Rule", False, False),
        ("cognitude_plugins.gateway.attempts", False, False),
        ("sqlmodel.SQLModel", True, False),
        ("click", False, False),
        ("pytest", False, True),
    ]


@pytest.mark.parametrize("path", python_files(HOOKS), ids=shown)
def test_the_contract_imports_the_standard_library_and_pluggy_only(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"hooks", "pluggy"}
    for one in imports_of(path):
        top = one.name.partition(".")[0]
        lazily = one.lazy and top in LAZY_IN_HOOKS.get(path, set())
        if one.typing or lazily:
            assert top != "cognitude_plugins", f"{shown(path)}:{one.line}: the contract imports {one.name}"
        else:
            assert top in allowed, f"{shown(path)}:{one.line}: the contract imports {one.name}"


@pytest.mark.parametrize("path", python_files(PLUGINS), ids=shown)
def test_imports_form_a_star(path: Path) -> None:
    """plugin → hooks ← gateway, also under TYPE_CHECKING."""
    part = part_of(path)
    for one in imports_of(path):
        target = ours(one.name)
        assert target in (None, "hooks", part), f"{shown(path)}:{one.line}: {part} imports {one.name}"


def test_the_package_of_plugins_is_empty() -> None:
    """What stands in it would be run by every plugin's import."""
    assert imports_of(PLUGINS / "__init__.py") == []


@each_plugin
def test_the_tests_of_a_plugin_can_move_out_with_it(folder: Path) -> None:
    for path in python_files(TESTS / folder.name):
        for one in imports_of(path):
            assert ours(one.name) in (None, "hooks", folder.name), f"{shown(path)}:{one.line} imports {one.name}"


def test_a_strangers_plugin_imports_the_contract_only() -> None:
    files = [path for path in python_files(TESTS / "third_party") if not path.name.startswith(("test_", "conftest"))]
    assert files
    for path in files:
        for one in imports_of(path):
            assert ours(one.name) in (None, "hooks"), f"{shown(path)}:{one.line} imports {one.name}"


@each_plugin
def test_a_plugin_folder_has_its_parts(folder: Path) -> None:
    for name in ("README.md", "__init__.py", "plugin.py"):
        assert (folder / name).is_file(), f"{shown(folder)} has no {name}"
    assert (folder / "README.md").read_text().startswith("# ")
    tests = TESTS / folder.name
    assert list(tests.rglob("test_*.py")), f"{shown(folder)} has no tests in {shown(tests)}"


@each_plugin
def test_plugin_py_holds_the_configuration_and_the_hooks(folder: Path) -> None:
    tree = ast.parse((folder / "plugin.py").read_text())
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    marked = [one.name for one in functions if any("hookimpl" in ast.unparse(mark) for mark in one.decorator_list)]
    imported = {one.name.rpartition(".")[2] for one in imports_of(folder / "plugin.py")}
    assert "Config" in classes | imported, f"{shown(folder)}/plugin.py has no Config"
    assert marked, f"{shown(folder)}/plugin.py has no @hookimpl"
    for path in python_files(folder):
        assert path.name == "plugin.py" or "hookimpl" not in path.read_text(), (
            f"{shown(path)} has hooks: plugin.py does"
        )


@each_plugin
def test_a_plugin_is_found_by_the_entry_point_third_parties_use(folder: Path) -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets = project["entry-points"]["cognitude.plugins"]
    assert targets.get(folder.name, "").startswith(f"cognitude_plugins.{folder.name}")


@each_source
def test_a_module_has_one_idea_and_says_which(path: Path) -> None:
    text = path.read_text()
    lines = text.count("\n")
    assert lines <= MOST_LINES, f"{shown(path)} has {lines} lines; {MOST_LINES} is the most"
    assert path.stem not in FORBIDDEN_NAMES, f"{shown(path)}: a name that says nothing"
    assert not FORBIDDEN_NAMES & set(path.relative_to(ROOT).parent.parts), f"{shown(path)}: a folder that says nothing"
    if not text.strip() and path.name == "__init__.py":
        return
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{shown(path)} does not begin with a docstring"
    assert text.startswith('"""'), f"{shown(path)}: the docstring is not the first line"
    first = docstring.splitlines()[0]
    assert first.endswith((".", "?", "!")), f"{shown(path)}: the first line is no sentence: {first!r}"


def catches_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in kinds)
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


@each_source
def test_everything_is_caught_in_three_places_only(path: Path) -> None:
    """Code that cleans up and raises on is no catch."""
    if path in MAY_CATCH_EVERYTHING:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            assert not catches_everything(node), f"{shown(path)}:{node.lineno} catches everything"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("suppress", "contextlib.suppress"):
            names = {ast.unparse(argument) for argument in node.args}
            assert not names & {"Exception", "BaseException"}, f"{shown(path)}:{node.lineno} suppresses everything"


def test_the_places_that_catch_everything_exist_and_do() -> None:
    for path in MAY_CATCH_EVERYTHING:
        handlers = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
        assert any(catches_everything(one) for one in handlers), f"{shown(path)} need not be in the list"


@each_source
def test_only_the_command_line_prints(path: Path) -> None:
    if path.is_relative_to(MAY_PRINT):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{shown(path)}:{node.lineno} prints"


def source_of(test: Path) -> Path:
    parts = test.relative_to(TESTS).parts
    top = HOOKS if parts[0] == "hooks" else PLUGINS / parts[0]
    return top.joinpath(*parts[1:-1], test.stem.removeprefix("test_"))


def mirrored(test: Path) -> bool:
    inner = test.relative_to(TESTS)
    if inner.as_posix() in TESTS_OF_NO_MODULE or inner.parts[0] in TEST_FOLDERS_OF_NO_SOURCE:
        return True
    source = source_of(test)
    return source.with_suffix(".py").is_file() or (source / "__init__.py").is_file()


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=shown)
def test_tests_mirror_the_source(path: Path) -> None:
    assert mirrored(path), f"{shown(path)} tests {shown(source_of(path))}.py, which is not there"


WATCHED_START = """
import json, os, sys
from pathlib import Path

config, *roots = [os.path.realpath(one) for one in sys.argv[1:]]
seen = []

def readable(path):
    path = os.path.realpath(os.fsdecode(path))
    return path == config or any(path.startswith(root + os.sep) for root in roots)

def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "sqlite3.", "os.system", "os.exec", "os.spawn", "os.fork")):
        if event != "socket.__new__":
            seen.append((event, repr(arguments)))
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
        seen.append((event, repr(arguments)))
    elif event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        if writes or (not isinstance(path, int) and not readable(path)):
            seen.append((event, repr(arguments)))

sys.addaudithook(watch)
from cognitude_plugins.gateway.app import create_app

create_app(Path(sys.argv[1]))
print(json.dumps({"seen": seen, "modules": sorted(name for name in sys.modules if "." not in name)}))
"""
HEAVY = {"litellm", "openai", "tiktoken"}


def started(config: Path) -> dict[str, list[object]]:
    roots = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith("site-packages"))}
    roots |= {str(HOOKS), str(PLUGINS), "/usr/share/zoneinfo"}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_START, str(config), *sorted(roots)],
        capture_output=True,
        text=True,
        check=False,
        cwd=config.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return result


EVERYTHING = """
models:
  - {name: sim, provider: simulated/echo}
  - {name: gpt, provider: openai/gpt-4o-mini, api_key: not-a-key}
  - {name: claude, provider: anthropic/claude-sonnet-4-5, api_key: not-a-key}
  - {name: auto, candidates: [sim, gpt]}
pipeline:
"""


def every_plugin(folder: Path) -> Path:
    """A configuration with every transport and every plugin of this repository, each as it is by default."""
    path = folder / "plugins.yaml"
    path.write_text(EVERYTHING + "".join(f"  - use: {plugin.name}\n" for plugin in plugin_folders()))
    return path


def test_building_the_app_of_every_plugin_touches_no_socket_and_no_file_but_the_yaml(tmp_path: Path) -> None:
    result = started(every_plugin(tmp_path))
    assert result["seen"] == []
    assert not HEAVY & set(map(str, result["modules"]))


def test_building_the_committed_configuration_touches_no_socket_and_no_file_but_the_yaml() -> None:
    result = started(ROOT / "plugins.yaml")
    assert result["seen"] == []
    assert not HEAVY & set(map(str, result["modules"]))


@pytest.mark.parametrize(
    "deed",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)",
        "open('/etc/hostname').read()",
        "open('made.txt', 'w')",
        "import subprocess; subprocess.run(['true'])",
        "import sqlite3; sqlite3.connect(':memory:')",
    ],
)
def test_the_watch_over_building_sees_what_it_is_for(tmp_path: Path, deed: str) -> None:
    """A plugin that does any of these when it is imported is found out; what it raises is not of interest."""
    (tmp_path / "early.py").write_text(
        f"import contextlib\nfrom hooks import hookimpl\nwith contextlib.suppress(OSError):\n    {deed}\n"
        "@hookimpl\ndef pre_request(call): ...\n"
    )
    config = tmp_path / "plugins.yaml"
    config.write_text(EVERYTHING + "  - use: ./early.py\n")
    seen = started(config)["seen"]
    assert [one for one in seen if "early.py" not in str(one)]


def test_the_command_line_is_loaded_without_what_is_heavy() -> None:
    code = "import sys, cognitude_plugins.gateway.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
