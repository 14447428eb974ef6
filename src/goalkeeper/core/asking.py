"""Asking a target again on purpose, and asking one that does not answer every input."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Target
from goalkeeper.core.data import Bools, Inputs
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View

MOST_FAILING = 20  # inputs of a batch that are tried alone without one answer


def again(target: Target, occasion: str | None) -> Target:
    """Return a target that does not answer from memory what it was asked before.

    A service keeps its answers, so that no input is paid twice. What is asked again on purpose
    reaches it once for each occasion, and every time with None. Other targets keep no answers.
    """
    asked_again = getattr(target, "asked_again", None)
    found: Target = target if asked_again is None else asked_again(occasion)
    return found


def asks_service(target: Target) -> bool:
    """Tell whether a target is a service, or passes questions on to one: each has its price."""
    asked: Any = target
    while asked is not None:
        if hasattr(asked, "asked_again"):
            return True
        asked = getattr(asked, "target", None)
    return False


def answer_each(target: Target, x: Inputs, view: View) -> tuple[Answers, Bools]:
    """Answer inputs `(n, ...)`, of which some may make the model raise or give NaN.

    A batch that fails is halved until the inputs that cause it are found. After 20 that fail
    alone, with no answer in between, the rest of the batch counts as failed, too.

    Returns
    -------
    answers, answered
        The answers that there are, and which inputs `(n,)` they belong to.
    """
    answered = np.zeros(len(x), dtype=bool)
    found: list[Answers] = []
    failures, waiting = 0, [np.arange(len(x))]
    while waiting:
        rows = waiting.pop()
        try:
            found.append(target.answer(x[rows], view))
            answered[rows] = True
        except TargetError:
            failures += len(rows) == 1
            if failures >= MOST_FAILING and not answered.any():
                break
            if len(rows) > 1:
                waiting += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
    if not found:
        return target.answer(x[:0], view), answered
    return _join(found), answered


def _join(parts: list[Answers]) -> Answers:
    """Put answers of several batches, one at least, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Answers)}
    joined: dict[str, Any] = {
        name: np.concatenate(column) if all(each is not None for each in column) else None
        for name, column in columns.items()
    }
    return Answers(**joined)
