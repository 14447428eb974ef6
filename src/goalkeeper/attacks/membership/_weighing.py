"""Several membership tests joined, with weights learned from the shadow models' own records.

No single test is the strongest for every kind of model. Networks and boosting give confidences
whose logarithm of the odds is roughly normal. Forests and neighbours give votes: a confidence of
exactly 0 or 1 is common, and one such vote among the log odds outweighs everything else. And with
few shadow models the law of a single record is known too badly to be better than its mean.

Who trained the shadow models knows what each of them was trained on. So each is taken for the
target in turn, and a logistic regression learns from that how much each test is worth. The truth
about the target takes no part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats
from goalkeeper.stats import student_ratio

MAX_TARGETS = 16  # shadow models that weights are learned from: four weights need no more
SMALL = 0.01  # added to probabilities whose ratio is taken, so that votes of 0 stay comparable
LARGEST_RATIO = 30.0  # of a log likelihood ratio: beyond it, one record would decide the weights


def weigh_tests(shadow: Floats, member: Bools) -> Any:
    """Learn from shadow models what each test is worth.

    Parameters
    ----------
    shadow
        Log odds of the true class `(m, n)`; model 2i + 1 was trained on what 2i was not.
    member
        Whether each model saw each record `(m, n)`.

    Returns
    -------
    Any
        A fitted pipeline; its `decision_function` joins tests `(n, 4)` of `run_tests`.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    tests, truth = [], []
    for i in range(min(len(shadow), MAX_TARGETS)):
        # Its complement is left out with it: otherwise the number of models that saw a record would
        # tell whether the left-out one did.
        others = np.arange(len(shadow)) // 2 != i // 2
        tests.append(run_tests(shadow[i], shadow[others], member[others]))
        truth.append(member[i])
    joined = make_pipeline(StandardScaler(), LogisticRegression())
    return joined.fit(np.concatenate(tests), np.concatenate(truth))


def run_tests(target: Floats, shadow: Floats, member: Bools) -> Floats:
    """Return four tests of each record `(n, 4)` from log odds `(n,)` and `(m, n)`.

    Student t laws on log odds, and on probabilities; how much likelier the target finds the class
    than a mean model, as a ratio and as a difference. A law that cannot be fitted, as to a single
    model a side, says 0.
    """
    likely, of_shadows = _probability(target), _probability(shadow)
    inside = np.where(member, of_shadows, 0.0).sum(axis=0) / np.maximum(member.sum(axis=0), 1)
    outside = np.where(member, 0.0, of_shadows).sum(axis=0) / np.maximum((~member).sum(axis=0), 1)
    mean = (inside + outside) / 2
    laws = [student_ratio(shadow, member, target=target)]
    laws += [student_ratio(of_shadows, member, target=likely)]
    bounded = np.clip(np.nan_to_num(np.stack(laws)), -LARGEST_RATIO, LARGEST_RATIO)
    ratio = np.log(likely + SMALL) - np.log(mean + SMALL)
    return np.column_stack([*bounded, ratio, likely - mean])


def match_law(target: Floats, shadow: Floats) -> Floats:
    """Give each of the target's signals `(n,)` the value of equal rank among the shadows' `(m, n)`.

    A recipe or training size that differs from the target's makes every confidence larger or
    smaller; without this, the difference would be taken for membership. Equal signals stay equal.
    """
    ascending = np.sort(target)
    below = np.searchsorted(ascending, target, side="left")
    middle = (below + np.searchsorted(ascending, target, side="right")) / 2
    theirs = np.sort(shadow, axis=None)
    places = middle / len(target) * len(theirs)
    return np.interp(places, np.arange(len(theirs)) + 0.5, theirs)


def _probability(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(log_odds))
