from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognitude_plugins.gateway.loader import Loaded, load_file, register
from hooks import ConfigError, spec

PLUGIN = """\
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, model_validator

from hooks import hookimpl


class Rule(BaseModel, extra="forbid"):
    limit: int = Field(ge=1, description="How many.")
    tokens: list[SecretStr] = Field(default=[], description="Secrets.")


class Config(BaseModel, extra="forbid"):
    limit: int = Field(default=1, ge=1, description="How many.")
    label: str = Field(default="", description="Text.")
    token: SecretStr | None = Field(default=None, description="A secret.")
    rules: list[Rule] = Field(default=[], description="Rules.")
    named: dict[str, Rule | bool] = Field(default={}, description="Rules by name.")

    @model_validator(mode="after")
    def _checked(self):
        if self.label.startswith("bad"):
            raise ValueError(f"the label {self.label!r} is bad")
        return self


class Mine:
    on_error = "reject"

    def __init__(self, config, *, name):
        self.config, self.name = config, name
        if config.token and config.token.get_secret_value() == "explode":
            raise RuntimeError(f"cannot work with {config.token.get_secret_value()}")

    @property
    def never(self):
        raise AssertionError("a property was evaluated")

    def __eq__(self, other):
        raise AssertionError("plugins were compared")

    __hash__ = None

    @hookimpl
    async def pre_request(self, call): ...

    @hookimpl
    def post_response(self, reply): ...
"""
BARE = "from hooks import hookimpl\n\n\n@hookimpl\ndef pre_request(call): ...\n"

Load = Callable[..., tuple[Loaded, ...]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "bare.py").write_text(BARE)

    def run(text: str, plugin: str = "", **environ: str) -> tuple[Loaded, ...]:
        (tmp_path / "p.yaml").write_text(text)
        (tmp_path / "it.py").write_text("from hooks import hookimpl\n" + plugin)
        return load_file(tmp_path / "p.yaml", environ)[1]

    return run


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Callable[..., list[str]]:
    def run(text: str, plugin: str = "", **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as raised:
            load(text, plugin, **environ)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in raised.value.problems]

    return run


def test_a_class_in_a_file_gets_its_settings_and_its_name(load: Load) -> None:
    (entry,) = load("pipeline: [{use: ./mine.py, name: a, config: {limit: 5}}]")
    assert (entry.name, entry.mode, entry.on_error, entry.timeout) == ("a", "enforce", "reject", None)
    assert (entry.plugin.name, entry.plugin.config.limit) == ("a", 5)  # type: ignore[attr-defined]
    assert entry.config is entry.plugin.config  # type: ignore[attr-defined]
    assert entry.origin.endswith("/mine.py")


def test_the_operator_overrules_the_author_on_errors(load: Load) -> None:
    assert load("pipeline: [{use: ./mine.py, on_error: skip, timeout: 2}]")[0].on_error == "skip"
    assert load("pipeline: [{use: ./bare.py}]")[0].on_error == "skip"


def test_one_class_can_be_used_twice_and_a_module_once(load: Load, problems: Callable[..., list[str]]) -> None:
    assert len(load("pipeline: [{use: ./mine.py}, {use: './mine.py:Mine', name: b}]")) == 2
    found = problems("pipeline: [{use: hooks.testing, name: a}, {use: hooks.testing, name: b}]")
    assert "has no hook" in found[0]


def test_a_bare_module_used_twice_is_refused_with_advice(
    problems: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bare_plugin.py").write_text(BARE)
    assert problems("pipeline:\n- {use: bare_plugin}\n- {use: bare_plugin, name: again}\n") == [
        "p.yaml:3: pipeline[1].use: is in use by 'bare_plugin' already: a module can be used once, "
        "a class as often as you like (it is 'bare_plugin')"
    ]
    sys.modules.pop("bare_plugin")


def test_a_class_that_can_be_used_once_is_refused_the_second_time(
    load: Load, problems: Callable[..., list[str]]
) -> None:
    assert problems("pipeline:\n- {use: alert_channels}\n- {use: alert_channels, name: again}\n") == [
        "p.yaml:3: pipeline[1].use: is in use by 'alert_channels' already, and can be used once "
        "(it is 'alert_channels')"
    ]
    assert len(load("pipeline: [{use: alert_channels}, {use: alert_channels, name: again, mode: off}]")) == 2


def test_an_installed_plugin_is_found_by_its_name(load: Load) -> None:
    (entry,) = load("pipeline: [{use: request_defaults}]")
    assert type(entry.plugin).__name__ == "RequestDefaults"
    assert entry.origin.startswith("cognitude_plugins.request_defaults:RequestDefaults (cognitude ")


def test_only_what_is_listed_is_imported(load: Load) -> None:
    before = set(sys.modules)
    load("pipeline: [{use: ./bare.py}]")
    assert not [name for name in set(sys.modules) - before if name.startswith("cognitude_plugins.re")]


def test_a_class_can_be_named_by_its_module(load: Load) -> None:
    (entry,) = load("pipeline: [{use: 'cognitude_plugins.request_defaults:RequestDefaults'}]")
    assert (entry.name, type(entry.plugin).__name__) == ("RequestDefaults", "RequestDefaults")


def test_hooks_are_registered_in_the_order_of_the_file_and_those_of_off_are_not(load: Load) -> None:
    loaded = load(
        "pipeline: [{use: ./mine.py, name: a}, {use: ./bare.py, name: b}, {use: ./mine.py, name: c, mode: off},"
        " {use: ./mine.py, name: d, mode: shadow}]"
    )
    assert [entry.mode for entry in loaded] == ["enforce", "enforce", "off", "shadow"]
    manager = register(loaded)
    assert [impl.plugin_name for impl in manager.hook.pre_request.get_hookimpls()] == ["a", "b", "d"]
    assert [impl.argnames for impl in manager.hook.post_response.get_hookimpls()] == [("reply",), ("reply",)]


def test_what_is_off_is_validated_all_the_same(problems: Callable[..., list[str]]) -> None:
    assert problems("pipeline: [{use: ./mine.py, mode: off, config: {limit: 0}}]") == [
        "p.yaml:1: pipeline[0].config.limit: must be greater than or equal to 1 (it is 0)"
    ]


def test_a_file_is_read_again_by_the_next_load(load: Load, tmp_path: Path) -> None:
    load("pipeline: [{use: ./bare.py}]")
    (tmp_path / "bare.py").write_text(BARE.replace("pre_request(call)", "route(plan)"))
    assert hasattr(load("pipeline: [{use: ./bare.py}]")[0].plugin, "route")


def test_problems_of_settings_and_of_plugins_are_reported_together(problems: Callable[..., list[str]]) -> None:
    text = """\
gateway: {listen: {prot: 1}}
models:
  - {name: a, provider: opnai/x}
pipeline:
  - use: ./mine.py
    mode: shaddow
    config:
      limt: 1
      rules:
        - {limit: 1}
        - {limit: x, tokens: [abc, 7]}
      named:
        one: {limit: 0}
  - {use: redcat}
  - {use: ./mine.py, name: two, config: {token: "${TOKEN}"}}
"""
    assert problems(text) == [
        "p.yaml:1: gateway.listen.prot: is not a known setting; did you mean 'port'?",
        "p.yaml:3: models[0].provider: is not a known provider; any OpenAI-compatible host can be used with a "
        "base_url (it is 'opnai/x'); did you mean 'openai'?",
        "p.yaml:6: pipeline[0].mode: must be 'enforce', 'shadow' or 'off' (it is 'shaddow'); did you mean 'shadow'?",
        "p.yaml:8: pipeline[0].config.limt: is not a known setting; did you mean 'limit'?",
        "p.yaml:11: pipeline[0].config.rules[1].limit: must be a whole number (it is 'x')",
        "p.yaml:11: pipeline[0].config.rules[1].tokens[1]: must be text (it is **********)",
        "p.yaml:13: pipeline[0].config.named.one.limit: must be greater than or equal to 1 (it is 0)",
        "p.yaml:13: pipeline[0].config.named.one: must be true or false",
        "p.yaml:14: pipeline[1].use: is neither an installed plugin nor a module (it is 'redcat'); "
        "did you mean 'redact'?",
        "p.yaml:15: pipeline[2].config.token: the environment variable TOKEN is not set, "
        "and there is no default (${TOKEN:-…})",
    ]


USES = [
    ("./absent.py", "names a file that is not there"),
    ("./mine_.py", "names a file that is not there", "./mine.py"),
    ("./p.yaml", "names a file that is not a .py file"),
    ("mine.py", "names nothing; a file is written ./mine.py"),
    ("./mine.py:Mone", "names 'Mone', which is not in ./mine.py", "Mine"),
    ("cognitude_plugins.request_defaults:RequestDefault", "names 'RequestDefault', which is not in "
     "cognitude_plugins.request_defaults", "RequestDefaults"),
    ("no.such.module", "cannot be imported: ModuleNotFoundError: No module named 'no'"),
    ("request-defaults", "is neither an installed plugin nor a module", "request_defaults"),
    ("a b.c", "is not the name of a plugin, a module, or package.module:Class"),
    ("hooks.spec:STAGES", "has no hook; did somebody forget @hookimpl?"),
    ("colorsys", "has no hook; did somebody forget @hookimpl?"),
]  # fmt: skip


@pytest.mark.parametrize("case", USES, ids=[case[0] for case in USES])
def test_a_use_that_names_no_plugin_says_why(case: tuple[str, ...], problems: Callable[..., list[str]]) -> None:
    use, rule, *near = case
    message = f"p.yaml:1: pipeline[0].use: {rule} (it is {use!r})"
    assert problems(f"pipeline: [{{use: '{use}'}}]") == [message + (f"; did you mean {near[0]!r}?" if near else "")]


def method(text: str, mark: str = "@hookimpl") -> str:
    return f"class It:\n    {mark}\n    {text}\n"


BROKEN = [
    (method("def pre_reqest(self, call): ..."), "marks pre_reqest, and there is no such hook", "pre_request"),
    (method("def pre_request(self, cal): ..."), "has pre_request with a parameter cal: pre_request may take call",
     "call"),
    (method("def tables(self, db): ..."), "has tables with a parameter db: tables takes none"),
    (method("def pre_request(self, call): ...", "@hookimpl(tryfirst=True)"),
     "marks pre_request with tryfirst: the order is that of plugins.yaml"),
    (method("def pre_request(self, call): ...", "@hookimpl(trylast=True)"),
     "marks pre_request with trylast: the order is that of plugins.yaml"),
    (method("def pre_request(self, call): yield", "@hookimpl(wrapper=True)"),
     "marks pre_request with wrapper: @hookimpl takes none"),
    (method("def pre_request(self, call): yield", "@hookimpl(hookwrapper=True)"),
     "marks pre_request with hookwrapper: @hookimpl takes none"),
    (method("def pre_request(self, call): ...", "@hookimpl(optionalhook=True)"),
     "marks pre_request with optionalhook: @hookimpl takes none"),
    (method("def pre_request(self, call): ...", "@hookimpl(specname='route')"),
     "marks pre_request with specname: @hookimpl takes none"),
    (method("async def pre_request(self, call): yield"),
     "has pre_request as an async generator: it must return, not yield"),
    (method("def route(self, plan): yield"), "has route as a generator: it must return, not yield"),
    (method("async def lifespan(self, gateway): yield"),
     "has lifespan as an async generator: put @asynccontextmanager under @hookimpl"),
    *((method(f"async def {name}(self): ..."), f"has {name} as an async function: it must be a plain def")
      for name in ("schedule", "lifespan", "routes", "commands", "tables")),
    ("class It:\n    @property\n    @hookimpl\n    def route(self): ...\n",
     "has route as a property: it must be a function"),
    ("class It:\n    def pre_request(self, call): ...\n    def helper(self): ...\nIt2 = 1\n",
     "has no hook; did somebody forget @hookimpl?: pre_request would be, if marked"),
    (method("def route(self, plan): ...\n    def post_response(self, reply): ..."),
     "has a function post_response that is not marked: mark it with @hookimpl or call it something else"),
    (method("def route(self, plan): ...") + method("def route(self, plan): ...").replace("It", "Other"),
     "has several plugin classes (It, Other): use ./it.py:It"),
    ("1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero"),
    ("raise SystemExit(3)\n", "cannot be imported: SystemExit: 3"),
    ("def broken(:\n", "cannot be imported: SyntaxError: invalid syntax (it.py, line 2)"),
    (method("def route(self, plan): ...") + "    on_error = 'ignore'\n",
     "declares on_error = 'ignore': it must be 'skip' or 'reject'"),
    (method("def route(self, plan): ...") + "    from pydantic import BaseModel\n    class Config(BaseModel): ...\n",
     "has a Config without extra='forbid': It"),
]  # fmt: skip


@pytest.mark.parametrize("case", BROKEN, ids=[case[1][:60] for case in BROKEN])
def test_each_broken_rule_of_the_contract_has_its_message(
    case: tuple[str, ...], problems: Callable[..., list[str]]
) -> None:
    plugin, rule, *near = case
    use = "./it.py:It" if rule.startswith("has no hook") else "./it.py"
    message = f"p.yaml:1: pipeline[0].use: {rule}".replace("None", "")
    found = problems(f"pipeline: [{{use: '{use}'}}]", plugin)[0]
    if not rule.startswith("has a Config"):
        message += f" (it is {use!r})" + (f"; did you mean {near[0]!r}?" if near else "")
    assert found == message


def test_several_broken_rules_of_one_plugin_are_all_reported(problems: Callable[..., list[str]]) -> None:
    plugin = method("def rout(self, plan): ...") + "    @hookimpl\n    async def tables(self): ...\n"
    assert len(problems("pipeline: [{use: ./it.py}]", plugin)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "def pre_request(self): ...",
        "async def pre_request(self, call, more=1, *args, **kwargs): ...",
        "async def health(self): ...",
        "def health(self): ...",
        *(f"def {name}(self): yield" for name in ("schedule", "metrics", "sections", "misfits")),
        "@staticmethod\n    @hookimpl\n    def route(plan): ...",
        "@classmethod\n    @hookimpl\n    def route(cls, plan): ...",
    ],
)
def test_what_the_contract_allows_is_loaded(load: Load, text: str) -> None:
    loaded = load("pipeline: [{use: ./it.py}]", method(text, "" if "@hookimpl" in text else "@hookimpl"))
    manager = register(loaded)
    hooks = [getattr(manager.hook, name).get_hookimpls() for name in (*spec.STAGES, *spec.CONTRIBUTIONS)]
    assert sum(len(impls) for impls in hooks) == 1


def test_a_lifespan_is_an_async_context_manager_under_the_mark(load: Load) -> None:
    plugin = "from contextlib import asynccontextmanager\n\n"
    plugin += "@hookimpl\n@asynccontextmanager\nasync def lifespan(gateway): yield\n"
    assert register(load("pipeline: [{use: ./it.py}]", plugin)).hook.lifespan.get_hookimpls()


def test_settings_for_a_plugin_that_takes_none_are_refused(problems: Callable[..., list[str]]) -> None:
    assert problems("pipeline: [{use: ./bare.py, config: {a: 1}}]") == [
        "p.yaml:1: pipeline[0].config: has no place here: ./bare.py is a bare module without settings"
    ]
    assert problems("pipeline: [{use: ./it.py, config: {a: 1}}]", method("def route(self, plan): ...")) == [
        "p.yaml:1: pipeline[0].config: has no place here: It takes no settings"
    ]


def test_a_module_whose_class_is_the_plugin_is_told_so(
    problems: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert problems("pipeline: [{use: mine}]") == [
        "p.yaml:1: pipeline[0].use: has no hook of its own: use mine:Mine (it is 'mine')"
    ]
    sys.modules.pop("mine")


def test_a_constructor_that_raises_is_a_problem_without_a_secret_in_it(problems: Callable[..., list[str]]) -> None:
    for config in ("{token: explode}", "{token: '${T}'}"):
        assert problems(f"pipeline: [{{use: ./mine.py, config: {config}}}]", T="explode") == [
            "p.yaml:1: pipeline[0]: Mine cannot be built: RuntimeError: cannot work with **********"
        ]


def test_a_secret_of_several_lines_is_hidden_as_a_whole(problems: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN-----\n" + "abcdefgh" * 60 + "\n-----END-----\n")
    plugin = PLUGIN.replace('== "explode"', '!= ""')
    found = problems("pipeline: [{use: ./it.py, config: {token: 'file:key'}}]", plugin)
    assert found == ["p.yaml:1: pipeline[0]: Mine cannot be built: RuntimeError: cannot work with **********"]


def test_a_validator_that_quotes_a_value_from_the_environment_is_hushed(problems: Callable[..., list[str]]) -> None:
    assert problems("pipeline: [{use: ./mine.py, config: {label: '${L}'}}]", L="bad hunter2") == [
        "p.yaml:1: pipeline[0].config: the label '**********' is bad"
    ]
    assert problems("pipeline: [{use: ./mine.py, config: {label: bad}}]") == [
        "p.yaml:1: pipeline[0].config: the label 'bad' is bad"
    ]


def test_a_constructor_that_takes_no_settings_is_a_problem(problems: Callable[..., list[str]]) -> None:
    plugin = "class It:\n    def __init__(self, a, b): ...\n    @hookimpl\n    def route(self, plan): ...\n"
    assert problems("pipeline: [{use: ./it.py}]", plugin) == [
        "p.yaml:1: pipeline[0]: It cannot be built: TypeError: It.__init__() missing 2 required positional arguments: "
        "'a' and 'b'"
    ]


def test_secrets_of_a_plugin_can_be_files(load: Load, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    (entry,) = load("pipeline: [{use: ./mine.py, config: {token: 'file:token', label: 'file:token'}}]")
    assert entry.config.token.get_secret_value() == "from a file"  # type: ignore[union-attr]
    assert entry.config.label == "file:token"  # type: ignore[union-attr]


def test_loading_opens_no_socket_and_imports_no_litellm(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
events = []
sys.addaudithook(lambda event, args: events.append(event) if event.startswith(("socket.", "subprocess.")) else None)
from cognitude_plugins.gateway.loader import load_file
from cognitude_plugins.gateway.models import targets
config, loaded = load_file(Path(sys.argv[1]), {})
targets(config)
assert loaded and config.models
assert "litellm" not in sys.modules and "starlette" not in sys.modules, "imported"
assert not events, events
"""
    file = tmp_path / "p.yaml"
    file.write_text("models: [{name: a, provider: anthropic/a}]\npipeline: [{use: request_defaults}]\n")
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


WORDS = st.sampled_from(
    ["pre_request", "route", "rout", "self", "call", "plan", "x", "tables", "lifespan", "*a", "y=1"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WORDS.filter(str.isidentifier), st.lists(WORDS, max_size=3, unique=True), st.booleans(), st.booleans())
def test_any_function_is_loaded_or_refused_with_a_line(
    load: Load, name: str, parameters: list[str], waits: bool, yields: bool
) -> None:
    plugin = (
        f"@hookimpl\n{'async ' if waits else ''}def {name}({', '.join(parameters)}): {'yield' if yields else '...'}\n"
    )
    try:
        loaded = load("pipeline: [{use: ./it.py}]", plugin)
    except ConfigError as error:
        lines = {problem.line for problem in error.problems}
    else:
        lines = {1} if register(loaded).get_plugins() else set()
    assert lines == {1}
