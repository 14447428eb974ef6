"""Errors a user can act on: what is wrong, what was given, what to do."""

from __future__ import annotations

__all__ = [
    "BudgetSpent",
    "ChangeRefused",
    "DataError",
    "DescriptionError",
    "ExecutorError",
    "GoalkeeperError",
    "MissingExtra",
    "NotApplicable",
    "NotGranted",
    "NotOffered",
    "OtherSchema",
    "PolicyError",
    "StoreError",
    "TargetError",
    "TimeIsUp",
]


class GoalkeeperError(Exception):
    """Base of every error that goalkeeper raises on purpose."""


class NotGranted(GoalkeeperError):
    """An attack reached for something its attacker was not granted."""


class BudgetSpent(GoalkeeperError):
    """The next call would exceed the attacker's budget; it did not reach the target."""


class TimeIsUp(BaseException):
    """The time of an attack run is over: nothing more is asked or trained.

    It says nothing of the attack or the application and is no error: code that continues after any
    other refusal must not continue after this one. Only the runner catches it.
    """


class NotOffered(GoalkeeperError):
    """The application cannot offer what was asked of it (no scores, no trainer, ...)."""


class NotApplicable(GoalkeeperError):
    """The attack cannot harm this application: what it is made for is provably absent."""


class ChangeRefused(GoalkeeperError):
    """A change of the training data goes beyond the granted cells or share."""


class _Remediable(GoalkeeperError):
    """An error with what to do about its very cause."""

    def __init__(self, what: str = "", remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what, self.remedy = what, remedy


class DataError(_Remediable):
    """The data cannot be used: empty, one class, not finite, shapes that do not fit, overlap.

    Parameters
    ----------
    what
        What is wrong, in one sentence.
    remedy
        What to do about this very cause; left out where the sentence says it, or none is known.
    """


class TargetError(_Remediable):
    """The model raised, or returned something that is not an answer.

    Parameters
    ----------
    what
        What is wrong, in one sentence.
    remedy
        What to do about this very cause; left out where the sentence says it, or none is known.
    """


class ReportedError(TargetError):
    """The model returned a message in place of answers, as a service does that declines."""


class DescriptionError(GoalkeeperError):
    """The application file says something that cannot be used.

    Parameters
    ----------
    problem
        One sentence: what is wrong.
    where
        `file:line` of the entry, or the file.
    key
        Dotted path of the entry, empty for the whole file.
    expected, given
        What would be right, and what stands there.
    advice
        What to do, as a command or an edit.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        key: str = "",
        expected: str = "",
        given: str = "",
        advice: str = "",
    ) -> None:
        self.problem, self.where, self.key = problem, where, key
        self.expected, self.given, self.advice = expected, given, advice
        parts = [f"{where}: " if where else "", f"{key}: " if key else "", problem]
        lines = ["".join(parts)]
        lines += [f"  expected: {expected}"] if expected else []
        lines += [f"  given:    {given}"] if given else []
        lines += [f"  do:       {advice}"] if advice else []
        super().__init__("\n".join(lines))


class StoreError(GoalkeeperError):
    """The run folder or the store cannot be read or written, or a file in it was changed."""


class OtherSchema(StoreError):
    """The folder was written by a goalkeeper whose assessments have another schema."""


class ExecutorError(GoalkeeperError):
    """Nothing can run the units as asked: no scheduler, no workers, or other versions there."""


class PolicyError(GoalkeeperError):
    """The taxonomy or the rating policy is not usable."""


class MissingExtra(GoalkeeperError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; install it with: pip install 'goalkeeper[{extra}]'"
        )
