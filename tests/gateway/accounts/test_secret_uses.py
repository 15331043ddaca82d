"""Which secret key is still needed: by client keys that are accepted, and by providers' keys that are kept."""

from __future__ import annotations

from cognitude_plugins.gateway.accounts import credential_store as store
from cognitude_plugins.gateway.accounts.credential import Credential
from cognitude_plugins.gateway.accounts.secret_keys import SecretKey, SecretKeys
from cognitude_plugins.gateway.accounts.secret_uses import uses
from tests.gateway.accounts.office import Office

OLD, NEW, UNUSED = (SecretKey.of(f"{name}-" * 10) for name in ("old", "new", "unused"))


def counted(office: Office, *keys: SecretKey) -> list[tuple[str, str, int, int]]:
    secrets = SecretKeys(keys)
    found = office.storage.read_now(lambda sql: uses(sql, secrets, office.now_ms))
    return [(one.id, one.state, one.client_keys, one.provider_credentials) for one in found]


def put(office: Office, key: SecretKey, provider: str) -> None:
    one = Credential(organization="acme", provider=provider, api_key="sk-1")
    secrets = SecretKeys([key])
    office.storage.write_now(lambda sql: store.put(sql, secrets, one, enabled=True, now_ms=1))


def test_each_key_is_counted_under_the_secret_that_it_needs(office: Office) -> None:
    office.organization()
    office.secrets = SecretKeys([OLD])
    first, second = office.key(), office.key()
    office.key()
    put(office, OLD, "openai")
    put(office, OLD, "groq")
    assert counted(office, OLD) == [(OLD.id, "current", 3, 2)]
    office.secrets = SecretKeys([NEW, OLD])
    office.revoke(first)
    office.rotate(second, 60)
    put(office, NEW, "openai")
    office.storage.write_now(lambda sql: store.remove(sql, "acme", "groq", now_ms=2))
    both = [(NEW.id, "current", 1, 1), (OLD.id, "older", 2, 0), (UNUSED.id, "older", 0, 0)]
    assert counted(office, NEW, OLD, UNUSED) == both
    office.now += 61
    assert counted(office, NEW) == [(NEW.id, "current", 1, 1), (OLD.id, "missing", 1, 0)]
