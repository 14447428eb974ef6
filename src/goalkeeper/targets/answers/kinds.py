"""What kind of answers numbers are: labels, probabilities, log-probabilities, logits or margins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.answers.numbers import log_sum_exp

Kind = Literal["labels", "probabilities", "log-probabilities", "logits", "margins"]
KINDS: tuple[str, ...] = get_args(Kind)

SLACK = 1e-6  # rounding below 0 and above 1
# Scores count as probabilities where the sums of nearly all inputs are off by no more: they are
# often rounded to two digits, or computed in half precision.
OFF = 0.02
PERCENT = 100.0
HALF = 0.5


@dataclass(frozen=True, slots=True)
class NumberKind:
    """What numbers are.

    Parameters
    ----------
    kind
        One of `KINDS`.
    total
        What the probabilities of one input sum to: 1, 100 (percent), or a number of votes.
    even
        Whether those of each input do.
    """

    kind: str
    total: float = 1.0
    even: bool = False


def kind_of_columns(values: Floats, what: str, said: str = "") -> NumberKind:
    """Tell what finite scores `(n, classes)` are, or check what is said of them.

    The class of the highest score is the answer whichever they are, so that nothing is asked:
    scores that are neither probabilities nor their logarithms are read as logits.
    """
    if said in ("logits", "margins", "labels"):
        return NumberKind(said)
    low, sums = float(values.min()), values.sum(axis=1)
    total = float(np.median(sums))
    if said == "log-probabilities":
        if values.max() > OFF:
            raise _contradiction(values, what, said, "logarithms of probabilities are at most 0")
        return NumberKind(said)
    even = low >= -SLACK and total > SLACK and bool((np.abs(sums - total) <= OFF * total).all())
    if even:
        near_one = abs(total - 1) <= OFF
        return NumberKind("probabilities", 1.0 if near_one else total, even=True)
    if said == "probabilities":
        if low < -SLACK:
            raise _contradiction(values, what, said, "probabilities are at least 0")
        return NumberKind(said, PERCENT if values.max() > 1 + OFF else 1.0)
    if low >= -SLACK and values.max() <= 1 + SLACK:  # of each class on its own
        return NumberKind("probabilities")
    if values.max() <= SLACK and bool((np.abs(log_sum_exp(values)) <= OFF).all()):
        return NumberKind("log-probabilities")
    return NumberKind("logits")


def kind_of_one(values: Floats, what: str, classes: tuple[str, ...], said: str = "") -> NumberKind:
    """Tell what one finite number an input `(n,)` is, or check what is said of it.

    Raises
    ------
    TargetError
        There are more than two classes, or two readings give different classes.
    """
    low, high = float(values.min()), float(values.max())
    if len(classes) != 2:
        raise TargetError(
            f"{what} returned one number for every input ({_shown(values)}), which does not say "
            f"which of {len(classes)} classes it is; return labels (n,), or scores with one column "
            f"a class (n, {len(classes)})"
        )
    if said in ("logits", "margins"):
        return NumberKind(said)
    if said == "log-probabilities":
        if high > OFF:
            raise _contradiction(values, what, said, "logarithms of probabilities are at most 0")
        return NumberKind(said)
    if said == "probabilities":
        if low < -SLACK or high > PERCENT * (1 + OFF):
            raise _contradiction(values, what, said, "probabilities lie between 0 and 1")
        return NumberKind(said, PERCENT if high > 1 + OFF else 1.0)
    return _guess_of_one(values, what, classes)


def _guess_of_one(values: Floats, what: str, classes: tuple[str, ...]) -> NumberKind:
    low, high = float(values.min()), float(values.max())
    second = classes[1]
    if low < -SLACK and high > SLACK:  # a sign decides, whatever the scale
        return NumberKind("logits")
    if low >= -SLACK and high <= 1 + SLACK:
        if low >= HALF and len(values) > 1:
            raise _ambiguous(
                values,
                what,
                f"the probability of {second}, so that every input is {second} "
                "(model.answers: probabilities)",
                "the confidence in a class that is not named (return that class, or the "
                "probability of each)",
            )
        return NumberKind("probabilities")
    if low >= -SLACK:
        raise _ambiguous(
            values,
            what,
            f"the probability of {second} in percent (model.answers: probabilities)",
            f"a logit, so that every input is {second} (model.answers: logits)",
        )
    raise _ambiguous(
        values,
        what,
        f"the log-probability of {second} (model.answers: log-probabilities)",
        f"a logit, so that every input is {classes[0]} (model.answers: logits)",
    )


def _ambiguous(values: Floats, what: str, one: str, other: str) -> TargetError:
    return TargetError(
        f"{what} returned one number for every input, {_shown(values)}: this is either {one} or "
        f"{other}; say which by the key model.answers"
    )


def _contradiction(values: Any, what: str, said: str, rule: str) -> TargetError:
    return TargetError(
        f"{what} returned numbers {_shown(values)}, but is said to answer with {said} "
        f"(model.answers): {rule}; name what they are, one of {', '.join(KINDS)}"
    )


def _shown(values: Any) -> str:
    return f"from {float(np.min(values)):.4g} to {float(np.max(values)):.4g}"
