"""Every test of accounts can have an office on either database."""

from __future__ import annotations

import pytest

from cognitude_plugins.gateway.storage.database import Storage
from tests.gateway.accounts.office import Office


@pytest.fixture
def office(each_database: Storage) -> Office:
    return Office(each_database)
