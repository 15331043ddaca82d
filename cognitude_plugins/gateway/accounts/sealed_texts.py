"""What plugins keep sealed in their own tables: texts that hold their secret key's id, the seal, and nothing else."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass

from .secret_keys import SecretKeys
from .vault import Sealed, Unsealable, seal, unseal


@dataclass(frozen=True, slots=True)
class SealedTexts:
    """A `hooks.Secrets`."""

    _keys: SecretKeys

    def seal(self, organization: str, about: str, plain: str) -> str:
        sealed = seal(self._keys, plain.encode(), _context(organization, about))
        return f"{sealed.secret_key}:{b64encode(sealed.content).decode()}"

    def unseal(self, organization: str, about: str, sealed: str) -> str:
        key, _, content = sealed.partition(":")
        try:
            opened = Sealed(secret_key=key, content=b64decode(content, validate=True))
            return unseal(self._keys, opened, _context(organization, about)).decode()
        except Unsealable as error:
            raise ValueError(str(error)) from None
        except ValueError:
            raise ValueError("it is not in the form in which this version seals") from None


def _context(organization: str, about: str) -> bytes:
    """Lengths first: no two places have the same. Providers' credentials have another beginning."""
    return f"plugin:{len(organization)}:{organization}:{about}".encode()
