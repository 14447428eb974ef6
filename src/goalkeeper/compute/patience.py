"""How long the user's code may take, and sentences on how it ended a process."""

from __future__ import annotations

import signal
import time

from goalkeeper.core.noticeboard import Activity, Noticeboard, Visit

ANSWER = 120.0  # seconds for a call of the model; a batch of many inputs gets more
INPUT = 2.0  # seconds an input
AGAIN = 20.0  # seconds for a call after an earlier one took too long: it will not be the last
SECONDS = {
    Activity.IMPORT: 600.0,
    Activity.DATA: 600.0,
    Activity.BUILD: 3600.0,
    Activity.TRAINING: float("inf"),
}
DOING = {
    Activity.IMPORT: "was imported",
    Activity.DATA: "read the data",
    Activity.BUILD: "built the model",
    Activity.TRAINING: "was in training",
}
NOT_BEGUN = (
    "loading, planning and measuring the model took longer than the whole time limit, so that no "
    "attack run began"
)
MORE_TIME = (
    "give it more time with --time, or fewer records: `data.sample: 20000` in the application file "
    "draws so many, the same each time"
)
REMEDY = "give each call more time with --call-time, or make it faster"


def longest(entry: Visit, chosen: float = 0.0, *, again: bool = False) -> float:
    """Return how many seconds one stay in the user's code may take.

    Parameters
    ----------
    entry
        What the user's code does.
    chosen
        The limit that the user chose; 0 for the default.
    again
        Whether an earlier call took too long.
    """
    if chosen:
        return chosen
    if entry.work is Activity.ANSWER:
        return max(AGAIN if again else ANSWER, INPUT * entry.inputs)
    return SECONDS[entry.work]


class Watch:
    """Follows a noticeboard, and measures how long its process stays in the user's code."""

    def __init__(self, board: Noticeboard) -> None:
        self._board, self._seen, self._since = board, -1, 0.0

    def look(self) -> tuple[Visit | None, float]:
        """Return the present entry, and for how many seconds it has been seen without a change."""
        seen, entry = self._board.read()
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return entry, time.monotonic() - self._since

    def late(self, chosen: float = 0.0, *, again: bool = False) -> str:
        """Return a sentence if the present entry has taken longer than it may, else nothing."""
        entry, seconds = self.look()
        if entry is None or seconds <= (limit := longest(entry, chosen, again=again)):
            return ""
        if entry.work is Activity.ANSWER:
            return f"{entry.what} did not answer {_inputs(entry)} within {limit:g} s"
        return f"{entry.what} did not end within {limit:g} s while it {DOING[entry.work]}"


def explain_end(entry: Visit | None, code: int) -> str:
    """Return a sentence on a process that ended in the middle of its work.

    Parameters
    ----------
    entry
        What of the user's code it was in; None for none.
    code
        Its exit code; the negative number of the signal that ended it.
    """
    who = "the process" if entry is None else entry.what
    if code >= 0:
        how = "ended" if entry is None else "ended the process"
        return f"{who} {how} with exit code {code}{_while(entry)}"
    return f"{who} {_signal(-code)}{_while(entry)}"


def advise_on_end(code: int, place: str) -> str:
    """Return what to do about such an end.

    Parameters
    ----------
    code
        As for `explain_end`.
    place
        Advice that names the line; empty where it is not known.
    """
    if place:
        return place
    if code >= 0:
        return "let it return or raise an exception, and call neither os._exit() nor exit() in C"
    if code == -signal.SIGKILL:
        return "give it less to do or more memory: that ran out, unless it killed itself"
    return "call it alone in Python, and correct what makes it crash"


def _signal(number: int) -> str:
    crashes = {
        signal.SIGSEGV: "crashed (segmentation fault)",
        signal.SIGBUS: "crashed (bus error)",
        signal.SIGABRT: "crashed (abort)",
        signal.SIGFPE: "crashed (arithmetic error)",
        signal.SIGILL: "crashed (illegal instruction)",
        signal.SIGKILL: "was killed (signal 9)",
    }
    if number in crashes:
        return crashes[signal.Signals(number)]
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "unknown"
    return f"was ended by signal {number} ({name})"


def _while(entry: Visit | None) -> str:
    if entry is None:
        return ""
    doing = f"answered {_inputs(entry)}" if entry.work is Activity.ANSWER else DOING[entry.work]
    return f" while it {doing}"


def _inputs(entry: Visit) -> str:
    return "1 input" if entry.inputs == 1 else f"{entry.inputs:,} inputs"
