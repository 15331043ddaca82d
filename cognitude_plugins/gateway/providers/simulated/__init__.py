"""A model for trying and testing: the OpenAI surface, deterministic answers, faults on request."""

from .app import SimulatedApp, simulate_app
from .faults import Fault, parse_fault, parse_faults
from .provider import SimulatedProvider
from .settings import Settings

__all__ = [
    "Fault",
    "Settings",
    "SimulatedApp",
    "SimulatedProvider",
    "parse_fault",
    "parse_faults",
    "simulate_app",
]
