"""What plugins find wrong in their settings: where it is in the file, what stands there, and never a secret."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from cognitude_plugins.gateway.cli.check import command
from cognitude_plugins.gateway.runtime import build
from hooks import ConfigError

SHOWS = """
from pydantic import BaseModel, SecretStr
from hooks import Metric, Misfit, hookimpl


class Config(BaseModel, extra="forbid"):
    shown: list[str] = []
    password: SecretStr | None = None
    answer: int | None = None


class Shows:
    def __init__(self, config: Config) -> None:
        self._config = config

    @hookimpl
    def misfits(self, metrics):
        if self._config.answer:
            yield self._config.answer
        for index, name in enumerate(self._config.shown):
            if name not in metrics:
                yield Misfit(at=("shown", index), rule="must be a metric", nearest=min(metrics, default=None))
        if self._config.password:
            secret = self._config.password.get_secret_value()
            yield Misfit(at=("password",), rule=f"is not that of {secret}")
            yield Misfit(at=("elsewhere", 3, "x"), rule="has a place that is not in the file")
"""
OFFERS = """
from hooks import Metric, hookimpl


@hookimpl
def metrics():
    yield Metric(name="rain", description="", unit="count", of=lambda sums: sums.calls)
"""


def problems(folder: Path, config: str, environ: dict[str, str] | None = None, *, mode: str = "enforce") -> list[str]:
    (folder / "shows.py").write_text(SHOWS)
    (folder / "offers.py").write_text(OFFERS)
    path = folder / "p.yaml"
    path.write_text(f"""\
pipeline:
  - use: ./shows.py:Shows
    mode: {mode}
    config:
{config}
  - use: ./offers.py
""")
    try:
        build(path, environ or {})
    except ConfigError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def test_what_another_plugin_offers_fits_wherever_it_is_in_the_list(tmp_path: Path) -> None:
    assert problems(tmp_path, "      shown: [rain]") == []


def test_each_misfit_has_its_line_its_value_and_the_nearest_name(tmp_path: Path) -> None:
    assert problems(tmp_path, "      shown:\n        - rain\n        - rein\n        - snow") == [
        "p.yaml:7: pipeline[0].config.shown[1]: must be a metric (it is 'rein'); did you mean 'rain'?",
        "p.yaml:8: pipeline[0].config.shown[2]: must be a metric (it is 'snow'); did you mean 'rain'?",
    ]


def test_a_plugin_that_is_off_is_not_asked(tmp_path: Path) -> None:
    assert problems(tmp_path, "      shown: [snow]", mode="off") == []


def test_no_secret_is_told(tmp_path: Path) -> None:
    told = problems(tmp_path, "      password: hunter2", {})
    assert told[0].startswith("p.yaml:5: pipeline[0].config.password: ")
    assert "(it is **********)" in told[0]
    told = problems(tmp_path, "      password: ${PW}\n      shown: ['${PW}']", {"PW": "hunter3"})
    assert len(told) == 3
    assert "hunter3" not in " ".join(told)


def test_a_place_that_is_not_in_the_file_is_told_without_a_value(tmp_path: Path) -> None:
    told = problems(tmp_path, "      password: hunter2")[1]
    assert "pipeline[0].config.elsewhere[3].x: has a place that is not in the file" in told
    assert "(it is" not in told


def test_what_is_no_misfit_is_the_plugins_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path, "      answer: 3") == ["plugin 'Shows': misfits() gives 3, which is no hooks.Misfit"]


def test_the_check_of_the_command_line_says_it(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("""\
pipeline:
  - use: alert_channels
    config:
      rules:
        - {name: spend, metric: dayly_cost, threshold: 1}
""")
    told = CliRunner().invoke(command, ["--config", str(path)])
    assert told.exit_code == 1
    assert "p.yaml:5: pipeline[0].config.rules[0].metric: " in told.output
    assert "(it is 'dayly_cost'); did you mean 'daily_cost'?" in told.output
