"""Jobs check what they are given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hooks import Job


async def nothing() -> None: ...


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1)])
def test_an_interval_that_is_not_positive_is_refused_by_name(every: timedelta) -> None:
    with pytest.raises(ValueError, match=r"job 'sweep': every .* is not a positive interval"):
        Job(name="sweep", every=every, run=nothing)


def test_an_unknown_scope_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="job 'sweep': scope 'host' is neither 'cluster' nor 'process'"):
        Job(name="sweep", every=timedelta(seconds=1), run=nothing, scope="host")  # type: ignore[arg-type]


def test_a_job_runs_in_every_process_unless_it_says_otherwise() -> None:
    assert Job(name="sweep", every=timedelta(seconds=1), run=nothing).scope == "process"
