"""The contract between the gateway and its plugins. Standard library and pluggy only."""

from .call import Api, Call, Caller, Headers, Role
from .errors import ConfigError, PluginError, Problem, Unanswerable, Unavailable
from .fingerprint import Fingerprint
from .frozen import freeze, thaw
from .gateway import EVERY_ORGANIZATION, Booked, Database, Dimension, Gateway, Ledger, Redis, Sums
from .job import Job, Tick
from .operation import Access, Operation, operation
from .payload import Payload
from .plan import Deployment, Plan
from .reply import Decision, Outcome, Reply, Usage, read
from .spec import hookimpl, hookspec
from .stream import DROP
from .vitals import CAPABILITIES, Traits, Vitals

__all__ = [
    "CAPABILITIES",
    "DROP",
    "EVERY_ORGANIZATION",
    "Access",
    "Api",
    "Booked",
    "Call",
    "Caller",
    "ConfigError",
    "Database",
    "Decision",
    "Deployment",
    "Dimension",
    "Fingerprint",
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
    "Redis",
    "Reply",
    "Role",
    "Sums",
    "Tick",
    "Traits",
    "Unanswerable",
    "Unavailable",
    "Usage",
    "Vitals",
    "freeze",
    "hookimpl",
    "hookspec",
    "operation",
    "read",
    "thaw",
]
