"""Who changes accounts, and how far his rights go: nobody gives away more than he has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..permitted_models import allows
from .refusals import wider


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """``organization`` is the one he sees and changes, None for all of them.

    ``admin`` may touch gateway-admin keys. ``models`` (None for all) and ``expires_ms`` (None for never) are those of
    the key he came with.
    """

    organization: str | None
    admin: bool = False
    models: tuple[str, ...] | None = None
    expires_ms: int | None = None

    def require(self, *, models: tuple[str, ...] | None, expires_ms: int | None) -> None:
        """Raises `Refusal` for a key that could do more, or for longer, than the one he came with."""
        if self.models is not None and (models is None or not all(allows(self.models, one) for one in models)):
            raise wider("models", "Your key is restricted to some models; a key for others is not yours to give.")
        if self.expires_ms is not None and (expires_ms is None or expires_ms > self.expires_ms):
            raise wider("expires_at", "Your key expires; a key that outlives it is not yours to give.")


OPERATOR: Final = Actor(organization=None, admin=True)
"""Whoever runs commands on the machine itself."""
