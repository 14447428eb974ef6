"""What a check is: one promise to the framework that can be broken, and the error that says how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breach:
    """What was seen that breaks a promise, and what to do about it."""

    seen: str
    advice: str


class ContractError(AssertionError):
    """A promise was broken.

    Parameters
    ----------
    check
        Name of the check.
    promise
        The promise, as a sentence.
    breaches
        What was seen, and what to do.
    """

    def __init__(self, check: str, promise: str, breaches: Iterable[Breach]) -> None:
        self.check, self.promise, self.breaches = check, promise, tuple(breaches)
        lines = [f"{check}: the promise is broken that {promise}"]
        for breach in self.breaches:
            lines += [f"  seen: {breach.seen}", f"  do:   {breach.advice}"]
        super().__init__("\n".join(lines))


@dataclass(frozen=True, eq=False, slots=True)
class Check:
    """One promise, ready to be tested: call it.

    Parameters
    ----------
    name
        Short and unique among the checks of one subject; made for test ids.
    promise
        What must hold, as the rest of a sentence that begins with "the promise is broken that".
    test
        Yields a breach for everything that breaks the promise.
    """

    name: str
    promise: str
    test: Callable[[], Iterable[Breach]]

    def __call__(self) -> None:
        """Test the promise.

        Raises
        ------
        ContractError
            It is broken, or what is tested raised an error.
        """
        breaches: list[Breach] = []
        try:
            breaches.extend(self.test())
        except (Exception, SystemExit) as error:  # an attack that quits must not quit the tests
            advice = "see the error above, and make it run through"
            breaches.append(Breach(f"{type(error).__name__}: {error}", advice))
            raise ContractError(self.name, self.promise, breaches) from error
        if breaches:
            raise ContractError(self.name, self.promise, breaches)


def run_all(checks: Iterable[Check]) -> None:
    """Run checks in order; the first broken promise ends it. Raises ContractError."""
    for check in checks:
        check()
