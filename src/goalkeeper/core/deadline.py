"""A time limit on whatever runs inside a block, noticed wherever that asks or trains a model.

The limit is that of the surroundings and no argument: marking and controls ask and train far below
those who know of it, as an attack does. It is a context variable, so it ends with its block, and
tasks of an event loop inherit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from goalkeeper.core.errors import TimeIsUp

NEVER = float("inf")


def _never() -> bool:
    return False


_OVER: ContextVar[Callable[[], bool]] = ContextVar("over", default=_never)


@contextmanager
def time_limit(until: float, clock: Callable[[], float]) -> Iterator[None]:
    """Have `check_time` raise in this block once the clock shows `until`; an outer limit holds too.

    Raises
    ------
    TimeIsUp
        By whatever checks the time in the block.
    """
    if until == NEVER:
        yield
        return
    outer = _OVER.get()
    before = _OVER.set(lambda: clock() >= until or outer())
    try:
        yield
    finally:
        _OVER.reset(before)


def check_time() -> None:
    """Raise TimeIsUp if the time limit around the caller is over; costs next to nothing."""
    if _OVER.get()():
        raise TimeIsUp


def format_duration(seconds: float) -> str:
    """Format a time for people, in seconds, minutes or hours."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5700 else f"{seconds / 3600:.1f} h"
