"""The hook specification: every way in which a plugin can take part.

Stages get a value and return a new one to replace it, or None to leave it alone. A returned decision is a decision; an
exception is a failure, and the entry's ``on_error`` decides what becomes of the call. A hook may take fewer parameters
than are listed here, and may be a plain ``def``. Order is the order of ``plugins.yaml``: down the list before the
provider, up the list after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pluggy

from .call import Call
from .errors import Misfit
from .gateway import Gateway
from .job import Job
from .metric import Metric, Section
from .plan import Plan
from .reply import Reply

if TYPE_CHECKING:
    import click
    from sqlmodel import SQLModel
    from starlette.routing import BaseRoute

PROJECT = "cognitude"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
async def pre_request(call: Call) -> Call | Reply | None:
    """Before a provider is chosen. A `Call` replaces the call; a `Reply` answers it without the provider."""


@hookspec
async def route(call: Call, plan: Plan) -> Plan | Reply | None:
    """Choose among what the caller may use: return ``plan.keep(…)`` or ``plan.rank(…)``.

    A `Reply` answers the call without the provider: that nothing in the plan can do what is asked.
    """


@hookspec
async def post_response(call: Call, reply: Reply) -> Reply | None:
    """The head of the answer is known and nothing has been sent. Runs for every reply, whoever wrote it."""


@hookspec
def schedule() -> Iterable[Job]:
    """Work to be done between requests."""


@hookspec
def lifespan(gateway: Gateway) -> AbstractAsyncContextManager[None]:
    """Entered at start-up in the order of the list, left at shutdown in reverse. The only place to open anything."""


@hookspec
def routes() -> Iterable[BaseRoute]:
    """HTTP endpoints of the plugin's own. Each endpoint carries `hooks.operation`, which says who may call it."""


@hookspec
def commands(cli: click.Group) -> None:
    """Add commands to ``cognitude``. Keep imports inside the commands: this runs for ``cognitude --help`` too."""


@hookspec
def tables() -> Iterable[type[SQLModel]]:
    """SQL tables of the plugin's own, each with an organization column."""


@hookspec
async def health() -> Mapping[str, object]:
    """This plugin's block in ``/health``.

    ``status`` is ``ok``, ``degraded`` or ``down``; ``down`` makes ``/readyz`` 503.
    """


@hookspec
def metrics() -> Iterable[Metric]:
    """Figures that alert rules can watch. Names are lower-case words with underscores, each offered once."""


@hookspec
def sections() -> Iterable[Section]:
    """What the plugin has to say in daily and weekly summaries."""


@hookspec
def misfits(metrics: Mapping[str, Metric]) -> Iterable[Misfit]:
    """What in this plugin's settings does not fit the ``metrics`` of all plugins, by name. Opens nothing."""


STAGES = ("pre_request", "route", "post_response", "schedule")
CONTRIBUTIONS = ("lifespan", "routes", "commands", "tables", "health", "metrics", "sections", "misfits")
