"""The process that watches a command ends what does not look at the time itself."""

from __future__ import annotations

import subprocess
import sys
import time

from goalkeeper.cli.exits import Exit

PROGRAM = """
import time
from goalkeeper.cli.supervise import supervise
from goalkeeper.core.noticeboard import BOARD, Activity, Visit

def work():
    BOARD.expire(time.monotonic() + {seconds})
    BOARD.enter(Visit(Activity.TRAINING, "the training"))
    {then}
    time.sleep({sleeps})  # as a library that trains for long
    return 0

raise SystemExit(supervise(work))
"""


def supervised(seconds: float, then: str, sleeps: float) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(seconds=seconds, then=then, sleeps=sleeps)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100
    )


def test_loading_that_never_looks_at_the_time_is_ended_with_one_clear_message() -> None:
    begun = time.monotonic()
    done = supervised(0.2, "", 60.0)
    assert done.returncode == Exit.USAGE
    assert "longer than the whole time limit" in done.stderr
    assert "--time" in done.stderr
    assert done.stderr.count("error: ") == 1
    assert time.monotonic() - begun < 30


def test_what_was_loaded_in_time_is_not_ended() -> None:
    assert supervised(0.2, "BOARD.expire(0.0)", 1.0).returncode == 0
