"""The documentation's other half: every code block is run, every link leads somewhere, every make target exists."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML

from cognitude_plugins.gateway.runtime import build
from tests.processes import ADMIN_KEY, KEY, Running, free_port, gateway

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "deploy/README.md",
    "docs/accounts.md",
    "docs/credentials.md",
    "docs/forecasts.md",
    "docs/ledger.md",
    "docs/middleware.md",
    "docs/monitoring.md",
    "docs/operations.md",
    "docs/prices.md",
    "docs/recommendations.md",
    "docs/redis.md",
    "docs/reliability.md",
    "docs/replay.md",
    "docs/routing.md",
    "docs/storage.md",
)
OWN_TEST = {
    "deploy/README.md": "tests/journeys/test_deploy.py",
    "docs/accounts.md": "tests/journeys/test_accounts.py",
    "docs/credentials.md": "tests/journeys/test_credentials.py",
    "docs/middleware.md": "tests/journeys/test_middleware.py",
}
"""Pages whose commands and programs belong together, with the test that runs them."""
SECTIONS = {"gateway", "services", "models", "pipeline"}
SERVING = {"serve": "/livez", "simulate": "/stats"}
READING = {"usage", "ledger", "replay"}
"""Commands that want a database."""
LANGUAGES = {"sh", "python", "yaml", "", "text", "json"}


@dataclass(frozen=True, slots=True)
class Block:
    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> Iterator[Block]:
    path = ROOT / page
    text = path.read_text() if path.exists() else ""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def of(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def run_here(language: str) -> list[Block]:
    return [block for block in of(language) if block.page not in OWN_TEST]


def commands(block: Block) -> list[str]:
    """The block's commands without their comments; one that goes over several lines is one."""
    lines = [re.sub(r"\s+#.*$", "", line) for line in block.text.replace("\\\n", " ").splitlines()]
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


SHELL = [(block, command) for block in run_here("sh") for command in commands(block)]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What ``make run`` serves, on another port."""
    with gateway((ROOT / "plugins.yaml").read_text(), tmp_path_factory.mktemp("docs")) as running:
        yield running


def environ(one: Running) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    keys = {"COGNITUDE_API_KEY": KEY, "COGNITUDE_BOOTSTRAP_KEY": KEY, "COGNITUDE_ADMIN_KEY": ADMIN_KEY}
    keys["COGNITUDE_URL"] = one.url
    return {**os.environ, **keys, "PATH": path, "no_proxy": "*", "PYTHONPATH": str(ROOT)}


def moved(text: str, one: Running) -> str:
    return re.sub(r"http://(127\.0\.0\.1|localhost):8080", one.url, text)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_there(page: str) -> None:
    assert (ROOT / page).is_file()


def test_every_block_says_what_it_is_and_all_kinds_are_run() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    assert {block.language for block in found} <= LANGUAGES
    assert len(run_here("sh")) > 5
    assert run_here("python")
    assert of("yaml")
    for page, test in OWN_TEST.items():
        assert f'"{Path(page).name}"' in (ROOT / test).read_text()


@pytest.mark.parametrize(("block", "command"), SHELL, ids=[f"{block} {command[:30]}" for block, command in SHELL])
def test_a_command_of_the_documentation_works(block: Block, command: str, one: Running, tmp_path: Path) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        assert words[1] in targets(), f"{block}: the Makefile has no {words[1]}"
    elif words[0] == "curl":
        curl(block, moved(command, one), one)
    elif words[0] == "cognitude":
        run_cognitude(block, words, one, tmp_path)
    elif words[0] == "tail":
        subprocess.run(["sh", "-c", command], cwd=one.log.parent, timeout=10, check=True, stdout=subprocess.DEVNULL)
    else:
        pytest.fail(f"{block}: no test knows how to run {command!r}")


def curl(block: Block, command: str, one: Running) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{command} --silent --show-error --fail-with-body"],
        env=environ(one),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"


def run_cognitude(block: Block, words: list[str], one: Running, folder: Path) -> None:
    (folder / "plugins.yaml").write_text((ROOT / "plugins.yaml").read_text())
    env = environ(one)
    if words[1] not in SERVING:
        if words[1] in READING:
            subprocess.run(["cognitude", "migrate"], cwd=folder, env=env, timeout=30, check=True, capture_output=True)
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False)
        # The database is new: of a limit there is nothing to be known.
        expected = 2 if words[1] == "replay" and "no call was played" in done.stderr else 0
        assert done.returncode == expected, f"{block}: {done.stdout}{done.stderr}"
        return
    port = str(free_port())
    words = [port if before == "--port" else word for before, word in zip(["", *words], words, strict=False)]
    process = subprocess.Popen([*words, *([] if port in words else ["--port", port])], cwd=folder, env=env)
    try:
        await_answer(f"http://127.0.0.1:{port}{SERVING[words[1]]}", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == (0 if words[1] == "serve" else -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            assert httpx.get(url, trust_env=False).status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {url}")


@pytest.mark.parametrize("block", run_here("python"), ids=str)
def test_a_program_of_the_documentation_runs(block: Block, one: Running, tmp_path: Path) -> None:
    (tmp_path / "plugins.yaml").write_text((ROOT / "plugins.yaml").read_text())
    program = [sys.executable, "-c", moved(block.text, one)]
    done = subprocess.run(
        program, cwd=tmp_path, env=environ(one), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{block}: {done.stderr}"
    if "print(" in block.text:
        assert done.stdout.strip(), f"{block}: it printed nothing"


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_a_configuration_of_the_documentation_has_no_problems(block: Block, tmp_path: Path) -> None:
    parsed = YAML(typ="safe", pure=True).load(io.StringIO(block.text))
    if not set(parsed) <= SECTIONS:
        assert not set(parsed) & SECTIONS, f"{block}: half a configuration"
        return
    path = tmp_path / "plugins.yaml"
    path.write_text(block.text)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", block.text), "a-secret-0123456789abcdef")
    runtime = build(path, variables)
    assert len(runtime.loaded) == len([step for step in parsed.get("pipeline") or [] if step.get("mode") != "off"])


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {"schema"}


def test_make_help_and_ci_name_targets_that_exist() -> None:
    said = re.findall(r"make ([a-z-]+)", (ROOT / "Makefile").read_text().split("run: install")[0])
    run = re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert {*said, *run} <= targets()
    assert "test" in run, "CI calls what the README tells a newcomer to call"
    for target in re.findall(r"`make ([a-z-]+)", "".join((ROOT / page).read_text() for page in written())):
        assert target in targets()


def written() -> list[str]:
    """Every page that is somebody's to read, of our own making."""
    found = [
        path.relative_to(ROOT)
        for folder in ("docs", "hooks", "cognitude_plugins")
        for path in (ROOT / folder).rglob("*.md")
    ]
    return ["README.md", *map(str, sorted(found))]


@pytest.mark.parametrize("page", written())
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    for _, link in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{page}: {link} has no such heading"


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_options_of_serve_are_those_of_the_page() -> None:
    from cognitude_plugins.gateway.cli.serve import command

    documented = set(re.findall(r"^\| `(--[a-z-]+)", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))
    assert documented == {
        option for parameter in command.params for option in parameter.opts if option.startswith("--")
    }


def test_every_error_code_of_the_gateway_is_on_the_page() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    core = ROOT / "cognitude_plugins" / "gateway"
    sources = "".join(path.read_text() for path in core.glob("*.py"))
    codes = set(re.findall(r'code="([a-z_]+)"', sources))
    assert len(codes) > 10
    assert {code for code in codes if f"`{code}`" not in text} == set()


def test_every_file_that_the_architecture_page_names_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_/]+(?:\.py|/))`", page))
    assert len(named) > 40
    homes = (ROOT, ROOT / "cognitude_plugins" / "gateway")
    assert [name for name in sorted(named) if not any((home / name).exists() for home in homes)] == []
