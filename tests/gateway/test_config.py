from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cognitude_plugins.gateway.config import Config, load
from cognitude_plugins.gateway.fields import default_name
from hooks import ConfigError, Problem

VALID = """\
gateway:
  listen: {host: 127.0.0.1, port: "${PORT:-8080}"}
  keys:
    - {id: ops, secret: "${OPS_KEY}", organization: acme, admin: false}
  limits: {body_bytes: 10485760, n: 8}
  timeouts: {connect: 5, total: 600}
  drain: {announce_seconds: 0}
services:
models:
  - name: sim
    provider: simulated/echo
  - {name: gpt-4o-mini, provider: openai/gpt-4o-mini, api_key: "${OPENAI_API_KEY}", if_set: OPENAI_API_KEY}
  - name: own
    provider: vllm/llama
    base_url: http://10.0.0.5:8000/v1/
    headers: {x-team: blue}
    price: {input: 0.15, output: 0.6, cached_input: 0.075}
    info: {region: eu}
  - {name: auto, candidates: [sim, gpt-4o-mini, own]}
  - {name: "*", provider: openai/*}
pipeline:
  - use: request_defaults
    mode: off
"""
ENVIRON = {"OPS_KEY": "0123456789abcdef"}


def read(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    return load(file, ENVIRON if environ is None else environ)


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text, environ)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in raised.value.problems]


def test_a_valid_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, VALID)
    assert config.gateway.listen.port == 8080
    assert config.gateway.keys[0].secret.get_secret_value() == "0123456789abcdef"
    assert config.gateway.limits.header_bytes == 32768
    assert config.data_dir == tmp_path / ".cognitude"
    assert [model.name for model in config.models] == ["sim", "own", "auto", "*"]
    assert config.models[1].base_url == "http://10.0.0.5:8000/v1"
    assert (config.pipeline[0].name, config.pipeline[0].mode) == ("request_defaults", "off")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        read(tmp_path, text)


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    config = read(tmp_path, "models: []\n")
    assert config.gateway.listen.host == "127.0.0.1"
    assert config.models == ()
    assert config.pipeline == ()


def test_a_simulated_model_needs_nothing_else(tmp_path: Path) -> None:
    assert read(tmp_path, "models: [{name: sim, provider: simulated/echo}]").models[0].transport == "auto"


def test_a_configuration_cannot_be_changed_and_shows_no_secret(tmp_path: Path) -> None:
    config = read(tmp_path, VALID, {**ENVIRON, "OPENAI_API_KEY": "sk-hidden"})
    with pytest.raises(ValueError, match="frozen"):
        config.gateway.listen.port = 1
    assert "0123456789abcdef" not in repr(config)
    assert "sk-hidden" not in repr(config) + config.model_dump_json()


def test_all_problems_of_a_file_are_reported_at_once_in_its_order(tmp_path: Path) -> None:
    text = """\
gatway: {}
gateway:
  listen: {port: http}
  keys:
    - {id: a, secret: short, organization: acme}
    - {id: b, secret: "${MISSING_KEY}", organization: acme}
models:
  - {name: x, provider: opnai/gpt}
  - {name: y, provider: openai/gpt, timeouts: {total: 0}}
  - {name: z, candidates: [w, x]}
pipeline:
  - {use: redact, mode: shaddow}
  - {use: redact}
"""
    assert problems(tmp_path, text) == [
        "p.yaml:1: gatway: is not a known setting; did you mean 'gateway'?",
        "p.yaml:3: gateway.listen.port: must be a whole number (it is 'http')",
        "p.yaml:5: gateway.keys[0].secret: must have at least 16 characters (it is **********)",
        "p.yaml:6: gateway.keys[1].secret: the environment variable MISSING_KEY is not set, "
        "and there is no default (${MISSING_KEY:-…})",
        "p.yaml:8: models[0].provider: is not a known provider; any OpenAI-compatible host can be used with a "
        "base_url (it is 'opnai/gpt'); did you mean 'openai'?",
        "p.yaml:9: models[1].timeouts.total: must be greater than 0 (it is 0)",
        "p.yaml:10: models[2].candidates[0]: is not a model of this file (it is 'w')",
        "p.yaml:12: pipeline[0].mode: must be 'enforce', 'shadow' or 'off' (it is 'shaddow'); did you mean 'shadow'?",
        "p.yaml:13: pipeline[1].name: is already that of pipeline[0]: give one of the entries a name of its own "
        "(it is 'redact')",
    ]


def gateway(text: str) -> str:
    return f"gateway: {text}"


def model(text: str) -> str:
    return f"models:\n  - {{name: sim, provider: simulated/echo}}\n  - {text}\n"


KEY = "secret: 0123456789abcdef, organization: acme"

WRONG = [
    ("- a\n", "p.yaml: the file: must be a mapping with gateway, models, pipeline"),
    ("pipeline: redact", "p.yaml:1: pipeline: must be a list (it is 'redact')"),
    ("pipeline: [redact]", "p.yaml:1: pipeline[0]: must be a mapping (it is 'redact')"),
    ("pipeline: [{mode: off}]", "p.yaml:1: pipeline[0].use: is required"),
    ("pipeline: [{use: x, timeout: 0}]", "p.yaml:1: pipeline[0].timeout: must be greater than 0 (it is 0)"),
    (
        "pipeline: [{use: x, on_error: rejekt}]",
        "p.yaml:1: pipeline[0].on_error: must be 'skip' or 'reject' (it is 'rejekt'); did you mean 'reject'?",
    ),
    ("pipeline: [{use: x, config: [1]}]", "p.yaml:1: pipeline[0].config: must be a mapping"),
    (gateway("{limits: {n: 0}}"), "p.yaml:1: gateway.limits.n: must be greater than or equal to 1 (it is 0)"),
    (gateway("{limits: {n: 1.5}}"), "p.yaml:1: gateway.limits.n: must be a whole number (it is 1.5)"),
    (gateway("{timeouts: {total: .inf}}"), "p.yaml:1: gateway.timeouts.total: must be a finite number (it is inf)"),
    (gateway("{timeouts: {total: -1}}"), "p.yaml:1: gateway.timeouts.total: must be greater than 0 (it is -1)"),
    (gateway("{server_timing: maybe}"), "p.yaml:1: gateway.server_timing: must be true or false (it is 'maybe')"),
    (gateway("{listen: {prot: 1}}"), "p.yaml:1: gateway.listen.prot: is not a known setting; did you mean 'port'?"),
    (
        gateway("{proxy: 'socks5://u:hunter2@h'}"),
        "p.yaml:1: gateway.proxy: must be an http:// or https:// URL with a host (it is **********)",
    ),
    (
        gateway(f"{{keys: [{{id: a, {KEY}}}, {{id: a, secret: 0123456789abcdeF, organization: b}}]}}"),
        "p.yaml:1: gateway.keys[1].id: is already that of gateway.keys[0]: ids of keys are unique (it is 'a')",
    ),
    (
        gateway(f"{{keys: [{{id: a, {KEY}}}, {{id: b, {KEY}}}]}}"),
        "p.yaml:1: gateway.keys[1].secret: is also the secret of gateway.keys[0]: a secret belongs to one key",
    ),
    (gateway("{keys: hunter2-hunter2-hunter2}"), "p.yaml:1: gateway.keys: must be a list (it is **********)"),
    (
        gateway("{keys: [{id: a, secret: 0123456789abcdef}]}"),
        "p.yaml:1: gateway.keys[0].organization: is required, or admin: true for a gateway-admin key",
    ),
    (model("{name: a}"), "p.yaml:3: models[1]: needs a provider, or candidates to be an alias"),
    (
        model("{name: a, provider: gpt}"),
        "p.yaml:3: models[1].provider: must be provider/upstream-model, as in openai/gpt-4o-mini (it is 'gpt')",
    ),
    (
        model("{name: a#2, provider: openai/gpt}"),
        r"p.yaml:3: models[1].name: must match ^(\*|[^\s#*\x00-\x1f\x7f]+)$ (it is 'a#2')",
    ),
    (
        model("{name: a, provider: openai/*}"),
        "p.yaml:3: models[1].provider: can have one * only, and only in the entry named \"*\" (it is 'openai/*')",
    ),
    (
        model("{name: a, provider: vllm/llama}"),
        "p.yaml:3: models[1].base_url: is required: where vllm answers is not known",
    ),
    (
        model("{name: a, provider: anthropic/claude, transport: direct}"),
        "p.yaml:3: models[1].base_url: is required: where anthropic answers is not known",
    ),
    (
        model("{name: a, provider: anthropc/claude, transport: litellm}"),
        "p.yaml:3: models[1].provider: is not a provider that LiteLLM knows (it is 'anthropc/claude'); "
        "did you mean 'anthropic'?",
    ),
    (
        model("{name: a, provider: openai/gpt, transport: simulated}"),
        "p.yaml:3: models[1].transport: goes with the provider simulated/… and no other (it is 'simulated')",
    ),
    (
        model("{name: a, provider: simulated/echo, transport: direct}"),
        "p.yaml:3: models[1].transport: goes with the provider simulated/… and no other (it is 'direct')",
    ),
    (
        model("{name: a, provider: simulated/echo, base_url: 'http://h'}"),
        "p.yaml:3: models[1].base_url: has no meaning for simulated (it is 'http://h')",
    ),
    (
        model("{name: a, provider: openai/gpt, base_url: 'ftp://h'}"),
        "p.yaml:3: models[1].base_url: must be an http:// or https:// URL with a host (it is 'ftp://h')",
    ),
    (
        model("{name: a, provider: openai/gpt, base_url: 'http://h:port'}"),
        "p.yaml:3: models[1].base_url: must be a URL with a valid host and port (it is 'http://h:port')",
    ),
    (
        model("{name: a, provider: openai/gpt, base_url: 'http://h/v1?k=1'}"),
        "p.yaml:3: models[1].base_url: must not have a query or a fragment (it is 'http://h/v1?**********')",
    ),
    (
        model("{name: a, provider: openai/gpt, base_url: 'http://h/a b'}"),
        "p.yaml:3: models[1].base_url: must not hold spaces, backslashes or control characters (it is 'http://h/a b')",
    ),
    (
        model("{name: a, provider: openai/gpt, headers: {'x y': secret-value}}"),
        "p.yaml:3: models[1].headers.x y: must match ^[!#$%&'*+.^_`|~0-9A-Za-z-]+$ (it is **********)",
    ),
    (
        model("{name: a, provider: openai/gpt, headers: {Host: h}}"),
        "p.yaml:3: models[1].headers.Host: is the gateway's own to set",
    ),
    (
        model('{name: a, provider: openai/gpt, headers: {x: "a\\r\\nb: c"}}'),
        "p.yaml:3: models[1].headers.x: must be printable ASCII without line ends (it is **********)",
    ),
    (
        model('{name: a, provider: openai/gpt, api_key: "sk-key\\n"}'),
        "p.yaml:3: models[1].api_key: must be printable ASCII without spaces or line ends (it is **********)",
    ),
    (model("{name: a, provider: openai/gpt, price: {}}"), "p.yaml:3: models[1].price.input: is required"),
    (
        model("{name: a, provider: openai/gpt, price: {input: -1}}"),
        "p.yaml:3: models[1].price.input: must be greater than or equal to 0 (it is -1)",
    ),
    (
        model("{name: a, provider: openai/gpt, price: {input: 1e30}}"),
        "p.yaml:3: models[1].price.input: must not be more than 1000000 US dollars per million tokens (it is 1e+30)",
    ),
    (
        model("{name: a, provider: openai/gpt, price: {input: 1, per_request: 10000000}}"),
        "p.yaml:3: models[1].price.per_request: must not be more than 1000 US dollars per call (it is 10000000)",
    ),
    (
        model("{name: a, provider: openai/gpt, price: {input: 1, tiers: [{above_prompt_tokens: 9, output: 1000001}]}}"),
        "p.yaml:3: models[1].price.tiers[0].output: must not be more than 1000000 US dollars per million tokens "
        "(it is 1000001)",
    ),
    (
        model("{name: a, provider: openai/gpt, price: {input: 1, tiers: [{above_prompt_tokens: 9, input: null}]}}"),
        "p.yaml:3: models[1].price.tiers[0]: must set a price: input, output, cached_input or cache_write",
    ),
    (
        model(
            "{name: a, provider: openai/gpt, price: {input: 1, tiers: [{above_prompt_tokens: 9, input: 1}, "
            "{above_prompt_tokens: 9, output: 2}]}}"
        ),
        "p.yaml:3: models[1].price.tiers: must not have two tiers above 9 prompt tokens",
    ),
    (
        model("{name: a, provider: openai/gpt, api_key: file:/nowhere/key}"),
        "p.yaml:3: models[1].api_key: names a secret file that cannot be used: No such file or directory",
    ),
    (
        model("{name: a, candidates: [simm]}"),
        "p.yaml:3: models[1].candidates[0]: is not a model of this file (it is 'simm'); did you mean 'sim'?",
    ),
    (
        model("{name: a, candidates: ['*']}"),
        "p.yaml:3: models[1].candidates[0]: cannot be a candidate: it is no model's name (it is '*')",
    ),
    (
        model("{name: a, candidates: [sim, a]}"),
        "p.yaml:3: models[1].candidates: lead back to a (a → a): an alias cannot contain itself",
    ),
    (
        model("{name: a, candidates: [sim], provider: openai/gpt}"),
        "p.yaml:3: models[1].provider: has no place in an alias: it has candidates (it is 'openai/gpt')",
    ),
    (
        model("{name: a, candidates: [sim], api_key: x}"),
        "p.yaml:3: models[1].api_key: has no place in an alias: it belongs to the candidates' own entries",
    ),
    (
        model("{name: sim, candidates: [sim]}"),
        "p.yaml:3: models[1].name: is an alias, and another entry has that name too (it is 'sim')",
    ),
    (
        model("{name: '*', candidates: [sim]}"),
        "p.yaml:3: models[1].name: cannot be that of an alias: the catch-all needs a provider (it is '*')",
    ),
    (
        model("{name: a, provder: openai/gpt, if_set: NOT_THERE}"),
        "p.yaml:3: models[1].provder: is not a known setting; did you mean 'provider'?",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message.split(": ", 1)[1][:60] for _, message in WRONG])
def test_each_wrong_setting_has_its_message(tmp_path: Path, text: str, message: str) -> None:
    found = problems(tmp_path, text)
    assert found == [message]


def test_two_aliases_that_lead_to_each_other_are_a_loop(tmp_path: Path) -> None:
    assert problems(tmp_path, "models:\n- {name: a, candidates: [b]}\n- {name: b, candidates: [a]}\n") == [
        "p.yaml:2: models[0].candidates: lead back to a (a → b → a): an alias cannot contain itself",
        "p.yaml:3: models[1].candidates: lead back to b (b → a → b): an alias cannot contain itself",
    ]


def test_a_password_in_a_base_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, model("{name: a, provider: openai/gpt, base_url: 'http://u:hunter2@h/v1'}"))
    assert found[0].startswith("p.yaml:3: models[1].base_url: must not hold a user name or password")
    assert "hunter2" not in found[0]
    found = problems(tmp_path, model("{name: a, provider: openai/gpt, base_url: 'u:hunter2@h/v1'}"))
    assert found[0].endswith("(it is '**********@h/v1')")


def test_a_value_that_came_by_interpolation_is_not_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, "gateway:\n  listen:\n    port: ${PORT}\n", {"PORT": "hunter2"})
    assert found == ["p.yaml:3: gateway.listen.port: must be a whole number (it is **********)"]


def test_digits_in_the_environment_are_text_where_text_is_wanted(tmp_path: Path) -> None:
    text = model("{name: '${NAME}', provider: openai/gpt, api_key: '${KEY}', headers: {x: os.environ/KEY}}")
    entry = read(tmp_path, text, {"NAME": "007", "KEY": "1e5"}).models[1]
    assert entry.name == "007"
    assert entry.api_key is not None
    assert entry.api_key.get_secret_value() == "1e5"
    assert entry.headers["x"].get_secret_value() == "1e5"


def test_an_entry_whose_if_set_variable_is_empty_is_left_out_before_anything_is_put_in(tmp_path: Path) -> None:
    assert len(read(tmp_path, VALID, {**ENVIRON, "OPENAI_API_KEY": ""}).models) == 4
    assert len(read(tmp_path, VALID, {**ENVIRON, "OPENAI_API_KEY": "sk"}).models) == 5


def test_a_problem_behind_an_entry_that_is_left_out_has_its_place_in_the_file(tmp_path: Path) -> None:
    text = """\
models:
  - {name: a, provider: openai/a, if_set: A}
  - {name: b, provider: openai/b, timeouts: {connect: -1}}
  - {name: c, candidates: [d, a]}
"""
    assert problems(tmp_path, text) == [
        "p.yaml:3: models[1].timeouts.connect: must be greater than 0 (it is -1)",
        "p.yaml:4: models[2].candidates[0]: is not a model of this file (it is 'd')",
    ]


def test_a_secret_can_be_read_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef\n")
    config = read(tmp_path, f"gateway: {{keys: [{{id: a, secret: 'file:{tmp_path}/key', organization: b}}]}}")
    assert config.gateway.keys[0].secret.get_secret_value() == "0123456789abcdef"
    config = read(tmp_path, "gateway: {keys: [{id: a, secret: 'file:key', organization: b}]}")
    assert config.gateway.keys[0].secret.get_secret_value() == "0123456789abcdef"


def test_file_has_no_meaning_where_no_secret_stands(tmp_path: Path) -> None:
    config = read(tmp_path, "models: [{name: a, provider: openai/a, info: {note: 'file:/etc/hostname'}}]")
    assert config.models[0].info == {"note": "file:/etc/hostname"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"\xff", "it is not UTF-8 text"), (b"x" * 70_000, "it is over 65536 bytes")],
)
def test_a_secret_file_that_holds_no_secret_is_a_problem(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "key").write_bytes(content)
    found = problems(tmp_path, "models: [{name: a, provider: openai/a, api_key: 'file:key'}]")
    assert found == [f"p.yaml:1: models[0].api_key: names a secret file that cannot be used: {reason}"]


def test_a_secret_file_that_would_block_or_never_end_is_a_problem(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "/dev/zero", "."):
        found = problems(tmp_path, f"models: [{{name: a, provider: openai/a, api_key: 'file:{name}'}}]")
        assert found[0].startswith("p.yaml:1: models[0].api_key: names a secret file that cannot be used: ")


def test_a_secret_from_a_file_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    found = problems(tmp_path, "gateway: {keys: [{id: a, secret: 'file:key', organization: b}]}")
    assert found == ["p.yaml:1: gateway.keys[0].secret: must have at least 16 characters (it is **********)"]


def test_problems_can_be_handed_on_as_json(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("gatway: 1")
    with pytest.raises(ConfigError) as raised:
        load(file, {})
    assert json.loads(json.dumps(raised.value.problems[0].as_dict())) == {
        "path": "gatway",
        "rule": "is not a known setting",
        "line": 1,
        "value": None,
        "nearest": "gateway",
        "file": str(file),
    }


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("redact", "redact"),
        ("package.module:Class", "Class"),
        ("package.module", "module"),
        ("./limits/mine.py", "mine"),
        ("./mine.py:Mine", "Mine"),
    ],
)
def test_an_entry_is_named_after_the_last_part_of_its_use(use: str, name: str) -> None:
    assert default_name(use) == name


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "${", "${X}", "file:", "file:/", "*", "a/b", "openai/*", "off", "os.environ/X", "http://"]),
    st.text(max_size=8),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The valid file with up to three values replaced, removed or added anywhere."""
    from cognitude_plugins.gateway.yamlfile import Document

    data = copy.deepcopy(Document.parse(VALID, file="p.yaml").data)
    for _ in range(draw(st.integers(1, 3))):
        places: list[Any] = [data]
        for place in places:
            items = place.values() if isinstance(place, dict) else place
            places += [item for item in items if isinstance(item, dict | list) and item]
        place = draw(st.sampled_from(places))
        if isinstance(place, list):
            place[draw(st.integers(0, len(place) - 1))] = draw(JUNK)
        elif draw(st.booleans()):
            place[draw(st.sampled_from(sorted(place)))] = draw(JUNK)
        elif draw(st.booleans()):
            place[draw(st.text(min_size=1, max_size=8))] = draw(JUNK)
        elif len(place) > 1:
            place.pop(draw(st.sampled_from(sorted(place))))
    return data


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(mutated())
def test_any_change_of_a_valid_file_loads_or_is_refused_with_a_line(tmp_path: Path, data: Any) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(json.dumps(data, indent=1).replace("NaN", ".nan").replace("Infinity", ".inf"))
    found = outcome(file, {**ENVIRON, "X": "x"})
    assert all(problem.line for problem in found)
    assert "0123456789abcdef" not in str(found)


def outcome(file: Path, environ: dict[str, str]) -> tuple[Problem, ...]:
    try:
        load(file, environ)
    except ConfigError as error:
        return error.problems
    return ()
