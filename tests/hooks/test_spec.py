"""The specification and what `hooks` exports."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pluggy

import hooks
from hooks import spec

ROOT = Path(__file__).resolve().parents[2]


def test_stages_and_contributions_are_all_the_hooks_there_are() -> None:
    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(spec)
    assert set(vars(manager.hook)) == {*spec.STAGES, *spec.CONTRIBUTIONS}


def test_no_hook_asks_pluggy_for_anything_special() -> None:
    for name in (*spec.STAGES, *spec.CONTRIBUTIONS):
        options = getattr(spec, name).cognitude_spec
        assert not options["firstresult"]
        assert not options["historic"]


def test_every_hook_says_what_it_is_for() -> None:
    for name in (*spec.STAGES, *spec.CONTRIBUTIONS):
        assert inspect.getdoc(getattr(spec, name))


def test_the_exported_names_are_sorted_and_there() -> None:
    """Constants, then types, then functions, as ruff has them."""
    assert hooks.__all__ == sorted(hooks.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(hooks, name) for name in hooks.__all__)


def test_the_contract_loads_nothing_but_the_standard_library_and_pluggy() -> None:
    """Every module of it, the test kit too, in an interpreter of its own."""
    modules = sorted(f"hooks.{path.stem}" for path in (ROOT / "hooks").glob("[a-z]*.py"))
    assert "hooks.testing" in modules
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import pluggy\n"
        "before = set(sys.modules)\n"
        f"import hooks, {', '.join(modules)}\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hooks"]
