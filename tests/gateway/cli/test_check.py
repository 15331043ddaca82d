"""``cognitude check`` on a configuration without problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cognitude_plugins.gateway.cli.check import command


@pytest.mark.parametrize(
    ("redis", "kind", "said"),
    [
        ("memory", "memory", "0 plugins, no problems"),
        ("embedded", "embedded", "0 plugins, Redis (embedded), no problems"),
        ("redis+cluster://:hunter2@one,two", "cluster", "0 plugins, Redis (cluster), no problems"),
    ],
)
def test_it_says_which_kind_of_redis_there_is(tmp_path: Path, redis: str, kind: str, said: str) -> None:
    path = tmp_path / "plugins.yaml"
    path.write_text(f"services: {{redis: '{redis}'}}\n")
    told = CliRunner().invoke(command, ["--config", str(path)])
    assert (told.exit_code, told.output.strip().endswith(said)) == (0, True), told.output
    told = CliRunner().invoke(command, ["--config", str(path), "--json"])
    assert json.loads(told.output)["redis"] == kind
    assert sorted(one.name for one in tmp_path.iterdir()) == ["plugins.yaml"], "nothing is started"


UNDOCUMENTED = """
from pydantic import BaseModel
from starlette.responses import JSONResponse
from starlette.routing import Route
from hooks import hookimpl, operation


class What: ...


class Told(BaseModel, arbitrary_types_allowed=True):
    what: What


@operation("Tell", access="public", responses={200: SCHEMA})
async def tell(request):
    return JSONResponse({})


@hookimpl
def routes():
    return [Route("/tell", tell)]
"""


@pytest.mark.parametrize(("schema", "why"), [('{"$ref": "#/$defs/gone"}', "leads nowhere"), ("Told", "Told: Cannot")])
def test_endpoints_that_cannot_be_documented_are_a_problem(tmp_path: Path, schema: str, why: str) -> None:
    """Known here, as a start does not make the document."""
    (tmp_path / "tells.py").write_text(UNDOCUMENTED.replace("SCHEMA", schema))
    path = tmp_path / "plugins.yaml"
    path.write_text("pipeline: [{use: ./tells.py}]\n")
    told = CliRunner().invoke(command, ["--config", str(path)])
    assert told.exit_code == 1
    assert "the endpoints of the plugins cannot be documented" in told.output
    assert why in told.output
