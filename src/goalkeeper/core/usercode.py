"""Enter the user's code: noted for whoever watches, in surroundings of its own, errors in words."""

from __future__ import annotations

import os
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import GoalkeeperError, TimeIsUp
from goalkeeper.core.noticeboard import BOARD, Activity, Flag, Visit
from goalkeeper.core.surroundings import APART

LONGEST = 300  # characters of a line that are shown
LONG_ARRAY = re.compile(r"\[[^\[\]]{60,}\]")  # with its line breaks
FRAMES, LINES = 60, 400  # of a traceback: a recursion has thousands, and so may a message


@contextmanager
def user_code(work: Activity, what: str, inputs: int = 0) -> Iterator[None]:
    """Run the user's code.

    Working folder, recursion limit, and the settings of numpy and torch that it changes hold while
    it runs, and not outside. A copy of this process that it leaves behind (`os.fork`) ends where
    the user's code ends.

    Parameters
    ----------
    work
        What it does.
    what
        What messages call it: `the function filter.py:answer`.
    inputs
        How many inputs it is to answer.

    Raises
    ------
    TimeIsUp
        The time limit of the surroundings is over; the code is not entered.
    """
    check_time()
    if threading.current_thread() is not threading.main_thread():
        yield  # settings belong to the process, and what it does is noted by its main thread
        return
    process = os.getpid()
    before = BOARD.enter(Visit(work, what, inputs))
    try:
        with APART.kept():
            yield
    finally:
        if os.getpid() != process:
            BOARD.raise_flag(Flag.FORKED)
            os._exit(0)
        BOARD.leave(before)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, shortened; whatever its `__str__` does.

    What numpy writes of long arrays is left out, and the sentence that goes on behind it is kept.
    """
    try:
        message = str(error)[: 10 * LONGEST].strip()
    except Exception as second:  # noqa: BLE001 - the user's own `__str__` may raise anything
        return f"(its message raised {type(second).__name__})"
    lines = LONG_ARRAY.sub("[...]", message).splitlines()
    return shortened(lines[0]) if lines else "no message"


def shortened(line: str) -> str:
    """Return a line that can be shown whole: its end is left out if it is too long."""
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def name_error(error: BaseException) -> str:
    """Return class and message of an error on one line."""
    return f"{type(error).__name__}: {first_line(error)}"


def passes(error: BaseException) -> bool:
    """Return whether an error is none of the user's code: one of goalkeeper, or a real Ctrl-C."""
    if isinstance(error, KeyboardInterrupt):
        return not BOARD.shared or BOARD.has(Flag.INTERRUPTED)
    return isinstance(error, GoalkeeperError | TimeIsUp)


def trace(error: BaseException) -> str:
    """Return the traceback of an error, whose lines and length are bounded."""
    lines = "".join(traceback.format_exception(error, limit=-FRAMES)).splitlines()
    return "\n".join(line[:LONGEST] for line in lines[-LINES:]) + "\n"
