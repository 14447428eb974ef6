"""A user's function that is called again where what it asks fails now and then."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.errors import GoalkeeperError, TargetError
from goalkeeper.targets.answers import error_in

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds, doubled each time
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
# Words in the names of errors that clients of services raise, which share no base class.
WORDS = ("timeout", "connect", "transport", "ratelimit", "throttl", "unavailable", "disconnect")
# What the messages of other errors say, as those of functions that raise what a reply said.
SAYS = re.compile(
    r"(?:http|status|code|error)\W{0,3}(?:408|425|429|50[0234]|529)\b|too many requests|rate.?limit"
    r"|timed? ?out|temporar|overload|unavailable|bad gateway|try again",
    re.IGNORECASE,
)
LASTING = (
    GoalkeeperError,
    FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError,
)  # fmt: skip


def may_pass(error: BaseException) -> bool:
    """Tell whether an error is of a connection, a time-out or a busy service."""
    status = _status(error)
    if status is not None:
        return status in PASSING
    if isinstance(error, LASTING):
        return False
    names = " ".join(kind.__name__ for kind in type(error).__mro__).lower()
    if isinstance(error, OSError) or any(word in names for word in WORDS):
        return True
    return SAYS.search(str(error)) is not None


def is_lasting(error: BaseException) -> bool:
    """Tell whether an error says that the same call fails again: a missing file, a refused key."""
    return isinstance(error, LASTING) or (_status(error) is not None and not may_pass(error))


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that an error of a client carries, if it does."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 100 <= value < 600:
                return value
    return None


class RetriedFunction:
    """Calls a function, and calls it again after an error that may pass.

    Parameters
    ----------
    function
        The user's function.
    retries
        How often it is called again.
    pause
        Waits for so many seconds.
    rng
        Spreads the waits, so that workers do not all come back at once.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        retries: int,
        *,
        pause: Callable[[float], object] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.function, self.retries = function, retries
        self._pause = pause or threading.Event().wait
        self._rng = rng or np.random.default_rng()
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, x: Any) -> Any:
        """Return what the function returns; raises what it raises, or that it failed each time.

        An error of which nothing is known is tried once more, at once: one that comes back lasts.
        """
        met = False
        for tries in range(self.retries):
            try:
                raw = self.function(copy.copy(x))  # which it may write to before it fails
                if met or not error_in(raw):
                    return raw
                met = True
                continue
            except Exception as error:
                if not may_pass(error):
                    if met or is_lasting(error):
                        raise
                    met = True
                    continue
            longest = min(LONGEST_WAIT, FIRST_WAIT * 2**tries)
            self._pause(float(longest * self._rng.uniform(0.5, 1.0)))
        return self._asked_last(x)

    def _asked_last(self, x: Any) -> Any:
        try:
            return self.function(x)
        except Exception as error:
            if not may_pass(error):
                raise
            text = " ".join(str(error).split())[:200] or "no message"
            raise TargetError(
                f"the function {self.__name__} raised {type(error).__name__}: {text} (called "
                f"{self.retries + 1} times, model.retries); see that what it asks can be reached, "
                "then run the same command again"
            ) from error
