"""Check a target before anything is measured on it."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Answers, Target
from goalkeeper.core.asking import again
from goalkeeper.core.data import Bools, Floats, Inputs, row_keys
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View

SAME = 1e-6  # scores that differ by less are the same answer
TRIED = 50  # inputs that are asked, spread over those given: files are often sorted by class
ALONE = 8  # inputs that are also asked one at a time
TWICE = "the model is not deterministic: {} when asked the same twice"
ALONE_OR_NOT = (
    "the model's answers depend on the batch: {} when asked alone and in a batch, as where a "
    "module normalises by the mean of its batch; attacks and your application see other answers"
)
ENOUGH = 10  # fewer different inputs cannot show that answers are constant


def preflight(target: Target, x: Inputs) -> tuple[str, ...]:
    """Ask a target a few questions and say what is odd about its answers.

    Parameters
    ----------
    target
        Any target.
    x
        Inputs `(n, ...)` of its domain; 50 of them, spread evenly, are asked.

    Returns
    -------
    caveats
        One sentence for every oddity, to be kept with every number measured on this target.

    Raises
    ------
    TargetError
        The target raised, or gave something that is not an answer (NaN, wrong shape).
    """
    if len(x) == 0:
        raise TargetError(
            "a target cannot be checked without inputs; give some of the holdout data"
        )
    x = x[np.linspace(0, len(x) - 1, min(TRIED, len(x))).astype(np.int64)]
    view = min(target.offers, View.SCORES)
    first = _asked(target, x, view)
    random = _unstable(first, _asked(again(target, "twice"), x, view), TWICE, view)
    alone = _unstable(*_one_by_one(target, x, first, view), ALONE_OR_NOT, view)
    caveats = [random, "" if random else alone, _constant(first, x)]
    if view >= View.SCORES:
        caveats.append(_not_probabilities(first.scores))
    return tuple(c for c in caveats if c)


def _asked(target: Target, x: Inputs, view: View) -> Answers:
    answers = target.answer(x, view)
    if answers.labels.shape != (len(x),):
        raise TargetError(
            f"the target gave labels of shape {answers.labels.shape} for {len(x)} inputs; "
            "it must give one label for every input"
        )
    if view >= View.SCORES:
        scores = answers.scores
        if scores.ndim != 2 or len(scores) != len(x):
            raise TargetError(f"the target gave scores of shape {scores.shape} for {len(x)} inputs")
        if not np.isfinite(scores).all():
            rows = int((~np.isfinite(scores).all(axis=1)).sum())
            raise TargetError(f"the target gave NaN or infinite scores for {rows} inputs")
    return answers


def _one_by_one(target: Target, x: Inputs, batch: Answers, view: View) -> tuple[Answers, Answers]:
    few = min(ALONE, len(x))
    target = again(target, "alone")
    try:
        alone = [_asked(target, x[i : i + 1], view) for i in range(few)]
    except TargetError as error:
        raise TargetError(
            f"the model answers {len(x)} inputs together, but not one of them alone: {error.what}; "
            "its answers depend on the batch, as where a module divides by the standard deviation "
            "of its batch",
            "use values stored in training (BatchNorm in evaluation mode) instead",
        ) from error
    labels = np.concatenate([a.labels for a in alone])
    if view < View.SCORES:
        return Answers(batch.labels[:few]), Answers(labels)
    scores = np.concatenate([a.scores for a in alone])
    return Answers(batch.labels[:few], batch.scores[:few]), Answers(labels, scores)


def _unstable(one: Answers, two: Answers, sentence: str, view: View) -> str:
    differ: Bools = one.labels != two.labels
    if differ.any():
        return sentence.format(f"{int(differ.sum())} of {len(differ)} inputs got another class")
    if view >= View.SCORES:
        gap = float(np.abs(one.scores - two.scores).max())
        if gap > SAME:
            return sentence.format(f"scores moved by up to {gap:.2g}")
    return ""


def _constant(answers: Answers, x: Inputs) -> str:
    different = len(set(row_keys(x)))
    if different < ENOUGH or len(np.unique(answers.labels)) > 1:
        return ""
    return f"the model gives one and the same answer to all of {different} different inputs"


def _not_probabilities(scores: Floats) -> str:
    if scores.min() < -SAME or scores.max() > 1 + SAME:
        return (
            f"the scores are not probabilities: they lie between {scores.min():.3g} "
            f"and {scores.max():.3g}"
        )
    gap = float(np.abs(scores.sum(axis=1) - 1).max())
    return f"the scores of an input do not sum to 1 (off by up to {gap:.2g})" if gap > 1e-3 else ""
