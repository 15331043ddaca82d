"""The contract between the gateway and its plugins. Standard library and pluggy only."""

from .call import Api, Call, Caller, Headers, Role
from .ceiling import Ceiling, Ceilings
from .channel import CHANNELS, Channel, Message, Pace, Part, Receipt, Severity
from .errors import ConfigError, Misfit, PluginError, Problem, Unanswerable, Unavailable
from .fingerprint import Fingerprint
from .frozen import freeze, thaw
from .gateway import EVERY_ORGANIZATION, Booked, Database, Dimension, Gateway, Ledger, Redis, Secrets, Sums
from .job import Job, Tick
from .metric import QUANTILES, Metric, Section
from .operation import Access, Operation, operation
from .outbound import Answer, Outbound, Unreachable
from .payload import Payload
from .plan import Deployment, Plan
from .reply import Decision, Outcome, Reply, Usage, read
from .spec import hookimpl, hookspec
from .stream import DROP
from .vitals import CAPABILITIES, Traits, Vitals

__all__ = [
    "CAPABILITIES",
    "CHANNELS",
    "DROP",
    "EVERY_ORGANIZATION",
    "QUANTILES",
    "Access",
    "Answer",
    "Api",
    "Booked",
    "Call",
    "Caller",
    "Ceiling",
    "Ceilings",
    "Channel",
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
    "Message",
    "Metric",
    "Misfit",
    "Operation",
    "Outbound",
    "Outcome",
    "Pace",
    "Part",
    "Payload",
    "Plan",
    "PluginError",
    "Problem",
    "Receipt",
    "Redis",
    "Reply",
    "Role",
    "Secrets",
    "Section",
    "Severity",
    "Sums",
    "Tick",
    "Traits",
    "Unanswerable",
    "Unavailable",
    "Unreachable",
    "Usage",
    "Vitals",
    "freeze",
    "hookimpl",
    "hookspec",
    "operation",
    "read",
    "thaw",
]
