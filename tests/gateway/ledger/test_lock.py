"""The writer's lock: one at a time, and free as soon as its holder is dead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cognitude_plugins.gateway.ledger.lock import WriterLock

HOLD = """
import sys, time
from pathlib import Path
from cognitude_plugins.gateway.ledger.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""


def test_of_two_in_one_process_one_has_it(tmp_path: Path) -> None:
    one, other = WriterLock(tmp_path / "journal"), WriterLock(tmp_path / "journal")
    assert one.acquire()
    assert one.acquire()
    assert one.held
    assert not other.acquire()
    assert not other.held
    one.release()
    one.release()
    assert other.acquire()
    assert not one.acquire()
    other.release()


def test_the_kernel_takes_it_back_from_a_process_that_is_killed(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert not lock.acquire()
        process.kill()
        process.wait()
        assert lock.acquire()
    lock.release()
