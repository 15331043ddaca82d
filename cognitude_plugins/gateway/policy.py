"""How one entry of the pipeline is run, and what becomes of a call when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .faults import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One entry of the pipeline, as far as running its hooks is concerned. ``timeout`` in seconds."""

    plugin: str
    mode: Literal["enforce", "shadow"]
    on_error: Literal["skip", "reject"]
    timeout: float | None
    faults: Faults


class Rejected(Exception):
    """A change of a stream failed and its plugin's policy is to reject: the stream ends here."""
