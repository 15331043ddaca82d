"""What a Redis answers that has become a replica."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ReadOnlyError, ResponseError

from cognitude_plugins.limiter.line import read_only


@pytest.mark.parametrize(
    ("reply", "is_one"),
    [
        (ReadOnlyError("You can't write against a read only replica. script: 6b1b, on @user_script:1."), True),
        (ResponseError("Error running script (call to f_6b1b): -READONLY You can't write against a replica."), True),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), False),
        ([1, 0], False),
    ],
)
def test_a_replica_is_known_by_what_redis_6_and_7_say(reply: Any, is_one: bool) -> None:
    assert read_only(reply) is is_one
