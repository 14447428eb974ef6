"""Exact tests on counts: whether answers of a model have to do with the classes of the records.

All of them are one-sided and hold for any number of records. `ALPHA` bounds the probability that a
model whose answers are as good as a coin, or better, is said to contradict its data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom, hypergeom, rankdata

from goalkeeper.core.data import Bools, Floats, Ints

# Every user of the tool meets these tests at every run, and a contradiction stops the run: at most
# one of a thousand models that are as they should be is stopped, over all the tests together.
ALPHA = 0.001
# That a model has learned something is shown by any of three tests, which share this probability.
# An error here lets a useless model pass as one that fits: a run that says little, not a stop.
SIGNAL_ALPHA = 0.01
# Below this share of the way from chance to perfect recall, answers are "near chance": what is
# measured of attacks would be about noise, however many records make it significant.
LEAST_INFORMEDNESS = 0.1
LEAST_AUC = 0.7  # as a model that ranks well, but answers with one class, as rare classes cause it
LIMIT = 0.1  # mean recall, or accuracy, that separates a wrong input from another kind of model


@dataclass(frozen=True, eq=False)
class AnsweredRecords:
    """Records of one part with the answers of a model.

    Parameters
    ----------
    y, labels
        Classes and answers `(n,)`, as indices; an answer outside of the classes counts as wrong.
    k
        Number of classes.
    scores
        Probabilities `(n, k)`, or None.
    """

    y: Ints
    labels: Ints
    k: int
    scores: Floats | None = None

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def right(self) -> Bools:
        """Which answers `(n,)` are right."""
        return np.asarray(self.y == self.labels)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())

    @cached_property
    def confusion(self) -> Ints:
        """Counts `(k, k)` by class and answer; answers outside of the classes are left out."""
        known = (self.labels >= 0) & (self.labels < self.k)
        cells = self.y[known] * self.k + self.labels[known]
        return np.bincount(cells, minlength=self.k**2).reshape(self.k, self.k)

    @property
    def constant(self) -> bool:
        """Whether all answers are one and the same."""
        return len(np.unique(self.labels)) == 1

    def take(self, rows: Ints | Bools | slice) -> AnsweredRecords:
        """Return the chosen records."""
        scores = None if self.scores is None else self.scores[rows]
        return AnsweredRecords(self.y[rows], self.labels[rows], self.k, scores)


def sign_test(wins: int, losses: int) -> float:
    """Return the one-sided p-value of `wins` against `losses`: the exact form of McNemar's test."""
    return float(binom.sf(wins - 1, wins + losses, 0.5))


def better(one: Bools, other: Bools) -> float:
    """Return the p-value of one set of right answers `(n,)` being no better than another."""
    return sign_test(int((one & ~other).sum()), int((other & ~one).sum()))


# ---- do answers carry information about classes? -------------------------------------------------


def associated(confusion: Ints) -> float:
    """Return the p-value of answers `(k, k)` that are independent of the classes.

    The smallest of Fisher's exact one-sided tests of each class against the others, times the
    number of classes (Bonferroni). It does not depend on how frequent the classes are.
    """
    n, k = int(confusion.sum()), len(confusion)
    hits, true, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    p = hypergeom.sf(hits - 1, n, true, said)
    return float(min(1.0, k * p.min()))


def auc(answered: AnsweredRecords) -> tuple[float, float]:
    """Return the mean AUC of each class against the others, and the p-value of no ranking at all.

    The p-value is that of the Mann-Whitney test with the normal approximation and ties, of the
    class that is ranked best, times the number of classes. Without scores: 0.5 and 1.
    """
    if answered.scores is None:
        return 0.5, 1.0
    areas, least = [], 1.0
    for i in range(answered.k):
        positive = answered.y == i
        m, n = int(positive.sum()), int((~positive).sum())
        if not (m and n):
            continue
        ranks = rankdata(answered.scores[:, i])
        area = (ranks[positive].sum() - m * (m + 1) / 2) / (m * n)
        areas.append(area)
        spread = ranks.var() / (m * n * (m + n - 1))
        z = (area - 0.5) / np.sqrt(spread) if spread else 0.0
        least = min(least, _normal_tail(z))
    return (float(np.mean(areas)), min(1.0, answered.k * least)) if areas else (0.5, 1.0)


def _normal_tail(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-z))


def better_than_constant(answered: AnsweredRecords, majority: int) -> float:
    """Return the p-value of answers that are no better than always the majority class."""
    return better(answered.right, answered.y == majority)


def has_signal(answered: AnsweredRecords, majority: int) -> bool:
    """Whether answers are significantly better than no model at all, by one of three tests.

    More right answers than the majority class; answers associated with the classes, as those of a
    model for a rare class that is no more accurate than the majority; scores that rank.
    """
    p = (
        better_than_constant(answered, majority),
        associated(answered.confusion),
        auc(answered)[1],
    )
    return min(p) <= SIGNAL_ALPHA / len(p)


def mean_recall(answered: AnsweredRecords) -> float:
    """Return the mean share of right answers over the classes that occur."""
    true = np.bincount(answered.y, minlength=answered.k)
    hits = np.bincount(answered.y[answered.right], minlength=answered.k)
    return float((hits[true > 0] / true[true > 0]).mean())


def near_chance(answered: AnsweredRecords) -> bool:
    """Whether answers are hardly better than guessing, significantly or not."""
    present = len(np.unique(answered.y))
    if present < 2:
        return False
    informedness = (mean_recall(answered) - 1 / present) / (1 - 1 / present)
    return informedness < LEAST_INFORMEDNESS and auc(answered)[0] < LEAST_AUC


# ---- worse than it can be ------------------------------------------------------------------------


def worse_than_constant(parts: tuple[AnsweredRecords, ...], majority: int) -> bool:
    """Whether answers are significantly worse than the majority class, on every part.

    A model that finds a rare class at the price of false alarms is worse than the majority class,
    and as it should be: answers that are associated with the classes are never meant. A model that
    memorised noise is right on its training data, so that one part alone is not enough.
    """
    return all(
        better(part.y == majority, part.right) <= ALPHA
        and associated(part.confusion) > SIGNAL_ALPHA
        for part in parts
    )


def far_below(answered: AnsweredRecords, reference: Bools) -> bool:
    """Whether a model is far below a reference that has `reference` `(n,)` right.

    It gets fewer right overall, significantly so (overall or in one class), and its mean recall is
    lower by ten points: kinds of models differ by a few points on the same data, a lost column or
    a wrong scale costs more. Mean recall, since a model for a rare class may give up accuracy.
    """
    right, k = answered.right, answered.k
    if reference.mean() <= right.mean():
        return False
    other = AnsweredRecords(answered.y, np.where(reference, answered.y, -1), k)
    if mean_recall(other) - mean_recall(answered) < LIMIT:
        return False
    classes = (answered.y == i for i in range(k))
    by_class = min(better(reference[rows], right[rows]) for rows in classes if rows.any())
    return min(better(reference, right), k * by_class) <= ALPHA


# ---- another order of the classes ----------------------------------------------------------------


def best_order(confusion: Ints) -> Ints:
    """Return which class `(k,)` each answer stands for, so that most answers are right.

    All orders are compared: the assignment problem finds the best of them for any number of
    classes. Ties are decided for the order as it is.
    """
    k = len(confusion)
    # Half a record for an answer that stays: no order of the same count is taken for a better one.
    rows, columns = linear_sum_assignment(confusion + 0.5 / k * np.eye(k), maximize=True)
    order = np.empty(k, dtype=np.int64)
    order[columns] = rows
    return order


def permuted(train: AnsweredRecords, unseen: AnsweredRecords) -> Ints | None:
    """Return the order of the classes that fits significantly better; None if there is none.

    With two classes there is one other order. With more, the best order is chosen on every second
    record, and tested on records that did not choose it: on the others of the same part, and that
    of the training data on all unseen records. The tests share `ALPHA`.
    """
    if train.k == 2:
        swap = np.array([1, 0])
        tests = [(swap, unseen), (swap, train)]
    else:
        by_train, by_unseen = (best_order(p.take(slice(0, None, 2)).confusion)
                               for p in (train, unseen))  # fmt: skip
        tests = [
            (by_train, unseen),
            (by_unseen, unseen.take(slice(1, None, 2))),
            (by_train, train.take(slice(1, None, 2))),
        ]
    found = (order for order, part in tests if _fits_better(part, order, ALPHA / len(tests)))
    return next(found, None)


def _fits_better(part: AnsweredRecords, order: Ints, alpha: float) -> bool:
    """Whether more answers are right in another order, which is then an order of something.

    Reordered answers must be better than chance and, among the classes that change places, better
    than always one class: a constant answer can be exchanged for another, which is not an order.
    """
    moved = np.flatnonzero(order != np.arange(part.k))
    if not len(moved):
        return False
    cells = part.confusion[np.ix_(moved, moved)]
    place = {int(c): i for i, c in enumerate(moved)}
    hits = sum(int(cells[place[int(order[c])], place[int(c)]]) for c in moved)
    stay, constant = int(np.trace(cells)), int(cells.sum(axis=1).max())
    better_order = sign_test(hits, stay) <= alpha and hits > constant
    return better_order and not near_chance(reordered(part, order))


def reordered(part: AnsweredRecords, order: Ints) -> AnsweredRecords:
    """Return the answers in another order of the classes."""
    known = (part.labels >= 0) & (part.labels < part.k)
    labels = np.where(known, order[np.where(known, part.labels, 0)], -1)
    return AnsweredRecords(part.y, labels, part.k)
