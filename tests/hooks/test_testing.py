"""The test kit as a plugin author meets it: by import, and as a pytest plugin."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hooks.testing as kit

ROOT = Path(__file__).resolve().parents[2]
LOOP_SCOPE = "asyncio_default_fixture_loop_scope=function"
SUITE = """
from hooks import hookimpl
from hooks.testing import check_plugin, completion

class Cold:
    @hookimpl
    def pre_request(self, call):
        return call.set(temperature=0)

async def _test(make_call, exercise):
    done = await exercise(Cold(), call=make_call({"model": "m"}, organization="umbrella"))
    assert done.call.body == {"model": "m", "temperature": 0}
    assert done.call.caller.organization == "umbrella"
    assert done.body == completion()

def test_it(make_call, exercise):
    import asyncio
    asyncio.run(_test(make_call, exercise))
    check_plugin(Cold())
"""


def test_the_kit_exports_what_it_promises() -> None:
    assert kit.__all__ == sorted(kit.__all__, key=lambda name: (name[0].islower(), name))
    assert all(hasattr(kit, name) for name in kit.__all__)


def test_a_suite_of_its_own_gets_the_fixtures_by_installing_the_package(tmp_path: Path) -> None:
    """Beside every other plugin that is installed here, warnings being errors."""
    (tmp_path / "test_mine.py").write_text(SUITE)
    assert "1 passed" in pytest_in(tmp_path, "-W", "error")


@pytest.mark.parametrize("name", ["make_call", "exercise"])
def test_the_fixtures_are_listed_with_what_they_are_for(tmp_path: Path, name: str) -> None:
    listed = pytest_in(tmp_path, "--fixtures", ok=(0, 5))
    assert re.search(rf"^{name} .*hooks/testing\.py:\d+\n    \S", listed, re.MULTILINE)
    assert "no docstring" not in listed[listed.index(f"{name} [") :].splitlines()[1]


def pytest_in(folder: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", LOOP_SCOPE, *arguments, str(folder)]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode in ok, done.stdout + done.stderr
    return done.stdout
