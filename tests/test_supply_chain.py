"""What is installed is what was locked: hashes, known bad versions, start-up files, silence at import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
STOLEN = {("litellm", "1.82.7"), ("litellm", "1.82.8")}
"""Releases that carried a credential stealer."""

PTH_FILES = {"distutils-precedence.pth"}
"""Files that run at every start of the interpreter: setuptools' own. Beside them only the path to this repository."""

each_lock = pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)


def requirements(text: str) -> list[str]:
    """Each requirement with its options on one line, comments left out."""
    joined = re.sub(r"\\\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def pinned(requirement: str) -> tuple[str, str] | None:
    found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", requirement)
    return (re.sub(r"[-_.]+", "-", found[1]).lower(), found[2]) if found else None


def unhashed(text: str) -> list[str]:
    return [one for one in requirements(text) if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", one)]


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_there_are_lock_files() -> None:
    assert {"run.lock", "dev.lock"} <= {path.name for path in LOCKS}


@each_lock
def test_every_requirement_is_pinned_and_has_a_hash(path: Path) -> None:
    found = requirements(path.read_text())
    assert len(found) > 5
    assert [one[:60] for one in unhashed(path.read_text())] == []
    assert [one[:60] for one in found if pinned(one) is None] == []


@each_lock
def test_no_lock_names_a_release_known_to_be_bad(path: Path) -> None:
    assert not STOLEN & {pinned(one) for one in requirements(path.read_text())}


@each_lock
def test_no_lock_names_an_index_or_a_source_of_its_own(path: Path) -> None:
    for one in requirements(path.read_text()):
        assert not re.search(r"(^-|index-url|find-links|https?://|git\+|file:)", one), one[:80]


@pytest.mark.parametrize(
    "text",
    [
        "a==1\n",
        "a==1 \\\n    --hash=sha256:" + "0" * 63,
        "a==1 # --hash=sha256:" + "0" * 64,
        "a==1 \\\n    --hash=md5:" + "0" * 64,
    ],
)
def test_a_requirement_without_a_hash_would_be_found(text: str) -> None:
    assert len(unhashed("good==1 \\\n    --hash=sha256:" + "0" * 64 + "\n" + text)) == 1


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, wanted in (("run.lock", project["dependencies"]), ("dev.lock", project["optional-dependencies"]["dev"])):
        locked = {pin[0] for one in requirements((ROOT / "requirements" / lock).read_text()) if (pin := pinned(one))}
        names = {re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", one)[0]).lower() for one in wanted}
        assert names - locked == set(), lock


def imported() -> set[str]:
    """Top-level modules imported anywhere in the source but under TYPE_CHECKING."""
    found: set[str] = set()
    for path in [*(ROOT / "hooks").rglob("*.py"), *(ROOT / "cognitude_plugins").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        typing = {id(inner) for node in ast.walk(tree) if _is_typing(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and id(node) not in typing:
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level and id(node) not in typing:
                found.add(node.module.partition(".")[0])
    return found


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_what_is_imported_is_declared() -> None:
    """A package that is there only because another needs it is gone with the other's next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonical(re.split(r"[^A-Za-z0-9._-]", one)[0]) for one in project["dependencies"]}
    homes = packages_distributions()
    third_party = imported() - sys.stdlib_module_names - {"hooks", "cognitude_plugins"} - {"pytest"}
    for module in sorted(third_party):
        homes_of = {canonical(one) for one in homes.get(module, [])}
        assert homes_of & declared, f"{module} is imported and not one of the project's dependencies"


def test_nothing_unknown_runs_at_the_start_of_the_interpreter() -> None:
    packages = Path(sysconfig.get_paths()["purelib"])
    for path in packages.glob("*.pth"):
        ours = "cognitude" in path.name and path.read_text().strip() == str(ROOT)
        assert ours or path.name in PTH_FILES, f"{path.name}: {path.read_text()[:200]}"
    assert not list(packages.glob("*customize.py"))


SILENT = """
import sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto"}:
        raise SystemExit(f"{event}: {arguments!r}")
    if event.startswith(("subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn")):
        raise SystemExit(f"{event}: {arguments!r}")

sys.addaudithook(watch)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
print("silent")
"""


def modules() -> list[str]:
    """Every module of ours that may be imported, the gateway's and the plugins'."""
    files = [*(ROOT / "hooks").rglob("*.py"), *(ROOT / "cognitude_plugins").rglob("*.py")]
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files)
    return sorted(name.removesuffix(".__init__") for name in names if not name.endswith("__main__"))


def test_nothing_touches_the_network_or_starts_a_process_at_import() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SILENT, *modules()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "silent\n", done.stderr


def test_the_watch_at_import_would_see_a_connection(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)\n")
    done = subprocess.run(
        [sys.executable, "-c", SILENT, "loud"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "socket." in done.stderr
