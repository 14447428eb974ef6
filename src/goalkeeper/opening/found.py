"""What was found in a file so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goalkeeper.opening.limits import Allowance
from goalkeeper.opening.rules import Rules
from goalkeeper.opening.symbols import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(eq=False)
class Pickles:
    """What was read as one pickle after the other.

    Parameters
    ----------
    seen
        What loading them would do.
    unreadable
        What could not be read.
    notes
        What no reader looks at.
    arrays
        Where raw numbers stand.
    is_pickle
        Whether this is a pickle at all.
    is_torch
        Whether it is torch's older format, which has five pickles and then raw numbers.
    end
        Where the first pickle ends.
    """

    seen: Seen
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arrays: Sequence[tuple[int, int, int]] = ()
    is_pickle: bool = False
    is_torch: bool = False
    end: int = 0

    @property
    def ran(self) -> bool:
        """Whether it is read as a pickle for sure: one was whole, or named or called something."""
        return self.is_pickle and bool(self.end or self.seen.names or self.seen.problems)


@dataclass(eq=False)
class Found:
    """What was found so far, in the file and in everything inside it."""

    rules: Rules
    limits: Allowance
    seen: Seen = field(default_factory=Seen)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arrays: list[tuple[int, int, int]] = field(default_factory=list)
    runs_code: bool = False

    def unread(self, text: str) -> None:
        """Note what could not be read: code may hide there."""
        self.unreadable.append(text)
        self.runs_code = True

    def note(self, text: str) -> None:
        """Note what cannot be judged."""
        if len(self.notes) < 100:
            self.notes.append(text)

    def problem(self, text: str) -> None:
        """Note what is not allowed."""
        self.seen.problems.append(text)
        self.runs_code = True

    def take(self, pickles: Pickles, *, whole: bool) -> None:
        """Take over what was seen in pickles."""
        self.seen.names |= pickles.seen.names
        self.seen.problems += pickles.seen.problems
        self.seen.calls += pickles.seen.calls
        self.unreadable += pickles.unreadable
        self.notes += pickles.notes
        if whole:
            self.arrays += pickles.arrays
