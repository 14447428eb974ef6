"""Rewrites of answers in transit: what an attack returns, and what it may build it from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.games.shared.system import Messages

Rewrite = Callable[[Answers], Answers]


def rewrite_answers(answers: Answers, labels: Ints, scores: Floats | None = None) -> Answers:
    """Change labels `(n,)` and scores `(n, classes)`; whatever tags there were stay behind."""
    return replace(answers, labels=labels, _scores=scores, _logits=None)


def drop_answers(answers: Answers, kept: Bools) -> Answers:
    """Let only the messages of `kept` `(n,)` arrive."""
    found = answers if isinstance(answers, Messages) else Messages(answers.labels)
    return replace(found, present=kept)


def check_rewrite(messages: object, n: int) -> Messages:
    """Check what a rewrite returned, and return it as messages.

    Raises
    ------
    DataError
        It is not one answer, present or not, for each of the `n` that were sent.
    """
    if not isinstance(messages, Answers) or len(messages.labels) != n:
        raise DataError(f"a rewrite must return the {n} answers that it was given, changed or not")
    if isinstance(messages, Messages):
        return messages
    return Messages(messages.labels)
