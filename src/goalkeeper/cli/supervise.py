"""Run a verb in a process of its own, and explain its end if the user's code ends it.

The command forks before it has imported anything large. The child does the work; this process
only watches it, so that a model that exits, crashes, hangs or takes all memory is reported.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from goalkeeper.cli import streams
from goalkeeper.cli.exits import Exit
from goalkeeper.compute import patience
from goalkeeper.compute.slate import Slate
from goalkeeper.core.noticeboard import BOARD, Activity, Flag, Visit

if TYPE_CHECKING:
    import psutil

    from goalkeeper.compute.memory import Guard

VERBS = frozenset({"check", "plan", "run"})  # those that run the user's code
TICK = 0.1  # seconds between looks at the child
FORWARD = 0.3  # seconds after which a signal that did not reach the child is passed to it
GRACE = 15.0  # seconds that a child has to end after a signal
FAREWELL = 2.0  # seconds that processes of the child have to end after it
NOTES = (10.0, 60.0, 600.0, 3600.0)  # seconds after which a long stay in the user's code is noted
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # of Linux's prctl


def needed(words: Sequence[str]) -> bool:
    """Return whether a command line runs the user's code, so that it must be supervised."""
    asked = {"--help", "--version"}.isdisjoint(words)
    return hasattr(os, "fork") and asked and not VERBS.isdisjoint(words[:1])


def supervise(work: Callable[[], int]) -> int:
    """Run `work` in a child, and return its exit code, or the one that fits how it ended."""
    slate = Slate()
    _prctl(SET_CHILD_SUBREAPER, 1)  # what the child leaves behind becomes ours
    with _signals() as arrived:
        child = os.fork()
        if child == 0:
            _run_in_child(work, slate)
        slate.remove()
        return _Supervisor(child, slate, arrived).wait()


# ---- in the child --------------------------------------------------------------------------------


def _run_in_child(work: Callable[[], int], slate: Slate) -> NoReturn:
    """Do the work; never return, as this process is a copy of the supervisor."""
    code: int = Exit.FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        _prctl(SET_PDEATHSIG, signal.SIGKILL)
        slate.write_here()
        if sys.path[:1] == [""]:  # a `random.py` of the user is none of ours
            del sys.path[0]
        streams.set_apart()
        streams.warn_once()
        from goalkeeper.compute.serve import leave_with

        leave_with(os.getppid())
        code = work()
        _dismiss_processes()
    finally:
        BOARD.end(code)
        streams.flush()
        # No interpreter shutdown: it waits for threads that the user's code has left running.
        os._exit(code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    BOARD.raise_flag(Flag.INTERRUPTED)
    raise KeyboardInterrupt


def _dismiss_processes() -> None:
    """End the daemons of `multiprocessing`, as the end of the interpreter would."""
    if "multiprocessing" in sys.modules:
        for process in sys.modules["multiprocessing"].active_children():
            if process.daemon:
                process.kill()  # a handler of ours would print a traceback


def _prctl(option: int, value: int) -> None:
    """Set a property of this process on Linux; other systems have none like it."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


# ---- in the supervisor ---------------------------------------------------------------------------


class _Arrived:
    """The signals that have come, by the pipe through which Python announces them."""

    def __init__(self, reader: int) -> None:
        self._reader = reader

    def within(self, seconds: float) -> bytes:
        """Wait for signals; returns their numbers, none after so many seconds without any."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return os.read(self._reader, 64) if ready else b""


@contextmanager
def _signals() -> Iterator[_Arrived]:
    """Receive the end of the child, and signals that ask to stop, instead of obeying them."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    caught = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in caught}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield _Arrived(reader)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


class _Supervisor:
    """Watches one child until it ends or has to be ended."""

    def __init__(self, child: int, slate: Slate, arrived: _Arrived) -> None:
        self._child, self._slate, self._arrived = child, slate, arrived
        self._watch = patience.Watch(slate.board)
        self._asked: tuple[int, float] | None = None  # to stop: signal and time
        self._forwarded = False
        self._noted: tuple[Visit | None, int] = (None, 0)
        self._guard: Guard | None = None
        self._begun = time.monotonic()

    def wait(self) -> int:
        """Return the exit code of the command."""
        while True:
            for number in self._arrived.within(TICK):
                if number != signal.SIGCHLD and self._stop_asked(number):
                    return self._stopped()
            ended, status = os.waitpid(self._child, os.WNOHANG)
            if ended:
                return self._ended(os.waitstatus_to_exitcode(status))
            if self._patience_is_over():
                return self._stopped()
            reason = self._reason_to_end()
            if reason:
                self._end_family()
                return self._fail(reason)

    # ---- the child ended ------------------------------------------------------------------------

    def _ended(self, code: int) -> int:
        board = self._slate.board
        if board.has(Flag.DONE):
            self._say_what_is_left(self._end_family(FAREWELL))
            return board.exit_code
        self._end_family()
        if self._asked is not None:
            return self._say_interrupted()
        entry, _ = self._watch.look()
        advice = patience.advise_on_end(code, self._slate.crash_place())
        return self._fail(patience.explain_end(entry, code), advice)

    def _say_what_is_left(self, names: Sequence[str]) -> None:
        if self._slate.board.has(Flag.FORKED):
            _say("note: the model or data code copied the process (fork); the copy was ended")
        if names:
            _say(
                "note: processes that the model or data code had started were still running, and "
                f"were ended: {', '.join(names)}"
            )

    def _fail(self, reason: str, advice: str = "") -> int:
        begun = self._slate.board.has(Flag.RESULTS)
        command = shlex.join(["goalkeeper", *sys.argv[1:]])
        lines = [f"error: {reason}"]
        lines += [f"  do:       {advice}"] if advice else []
        lines += ["finished attack runs are kept"] if begun else []
        _say("\n".join([*lines, f"next: fix this, then run again: {command}"]))
        return Exit.FAILED if begun else Exit.USAGE

    # ---- it has to be ended ---------------------------------------------------------------------

    def _reason_to_end(self) -> str:
        """Return why the child cannot continue; empty if it can."""
        seconds, memory = self._slate.board.limits
        if 0 < self._slate.board.until < time.monotonic():
            return f"{patience.NOT_BEGUN}\n  do:       {patience.MORE_TIME}"
        if self._watch.late(seconds):
            place = self._slate.crash_place(self._child)
            late = self._watch.late(seconds)  # it may have ended meanwhile
            return late and f"{late}\n  do:       {patience.REMEDY}" + (place and f"; {place}")
        self._note_long_stay()
        if self._guard is None and time.monotonic() - self._begun > 3 * TICK:
            from goalkeeper.compute.memory import Guard

            self._guard = Guard()
        taken = "" if self._guard is None else self._guard.over(memory)
        if not taken:
            return ""
        entry, _ = self._watch.look()
        who = entry.what if entry else "the command"
        return f"{who} {taken}"

    def _note_long_stay(self) -> None:
        entry, seconds = self._watch.look()
        known, notes = self._noted
        if entry != known:
            self._noted = known, notes = (entry, 0)
        if entry is not None and notes < len(NOTES) and seconds > NOTES[notes]:
            doing = "answering" if entry.work is Activity.ANSWER else "running"
            _say(f"note: {entry.what} has been {doing} for {NOTES[notes]:g} s")
            self._noted = (entry, notes + 1)

    # ---- it is asked to end ---------------------------------------------------------------------

    def _stop_asked(self, number: int) -> bool:
        """Note a signal; returns whether it is one too many for more patience."""
        now = time.monotonic()
        if self._asked is None:
            self._asked = (number, now)
        return now - self._asked[1] > FORWARD

    def _patience_is_over(self) -> bool:
        """Pass a signal on where only this process got it; returns whether the child ignores it."""
        if self._asked is None:
            return False
        number, since = self._asked
        waited = time.monotonic() - since
        if waited > FORWARD and not self._forwarded:
            self._forwarded = True
            if not self._slate.board.has(Flag.INTERRUPTED):
                os.kill(self._child, number)
        return waited > GRACE

    def _stopped(self) -> int:
        self._end_family()
        return self._say_interrupted()

    def _say_interrupted(self) -> int:
        _say("interrupted; finished attack runs are kept; resume with the same command")
        return Exit.INTERRUPTED

    # ---- its processes --------------------------------------------------------------------------

    def _end_family(self, seconds: float = 0.0) -> list[str]:
        """End the child and all that it started; names those that did not end within seconds."""
        until = time.monotonic() + seconds
        family = _family()
        while family and time.monotonic() < until:
            time.sleep(0.01)
            family = _family()
        names = [_name(process) for process in family]
        while family:
            for process in family:
                with suppress(Exception):  # it has just ended
                    process.kill()
            time.sleep(0.01)
            family = _family()
        return names


def _family() -> list[psutil.Process]:
    """Find all living descendants of this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    import psutil

    with suppress(psutil.Error):
        family = psutil.Process().children(recursive=True)
        return [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    return []


def _name(process: psutil.Process) -> str:
    with suppress(Exception):  # it has just ended
        return f"{' '.join(process.cmdline())[:60]} ({process.pid})"
    return str(process.pid)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - of the command line
