"""The contract between the gateway and its plugins. Standard library and pluggy only."""

from .call import Api, Call, Caller, Headers
from .errors import ConfigError, PluginError, Problem
from .frozen import freeze, thaw
from .gateway import Database, Gateway, Ledger
from .job import Job
from .operation import Operation, operation
from .payload import Payload
from .plan import Deployment, Plan
from .reply import Decision, Outcome, Reply, Usage, read
from .spec import hookimpl, hookspec
from .stream import DROP

__all__ = [
    "DROP",
    "Api",
    "Call",
    "Caller",
    "ConfigError",
    "Database",
    "Decision",
    "Deployment",
    "Gateway",
    "Headers",
    "Job",
    "Ledger",
    "Operation",
    "Outcome",
    "Payload",
    "Plan",
    "PluginError",
    "Problem",
    "Reply",
    "Usage",
    "freeze",
    "hookimpl",
    "hookspec",
    "operation",
    "read",
    "thaw",
]
