"""Ask near the boundary and fit again, with every form that scores may have, as long as it helps.

Each round sets answers aside; what is handed in is the form that agrees best with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.extraction._asked_rows import Equations
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.attacks.extraction._precision import LogScores
from goalkeeper.attacks.extraction._score_fits import (
    Degree,
    Link,
    RowFeatures,
    ScoreFit,
    fit_scores,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats
from goalkeeper.games.extraction import Substitute

FORMS: tuple[tuple[Degree, Link], ...] = (
    ("linear", "softmax"),
    ("linear", "sigmoids"),
    ("squares", "softmax"),
    ("products", "softmax"),
)
MOST_APPROXIMATED = 5000  # rows, the last ones, that an approximation is fitted to
MOST_UNKNOWNS = 1200  # of a form; more would take minutes to solve
SPARE = 1.2  # equations an unknown from which on a form is fitted
FIRST_ROWS = 64
ANYWHERE = 0.15  # share of rows that are drawn anywhere, and set aside
SET_ASIDE = 10  # one in so many rows near the boundary is set aside
MOST_SKEW = 1.0  # decimal logarithm of the power that skews uniform numbers
AT_THE_END = (0.0, 0.0, 0.0, 0.3, 0.6, 0.9)  # shares of columns there
COPY_HALVINGS = 30  # of the way between two rows, asking the copy only
JITTER = 0.1  # of the way, by which half the rows are moved off the boundary
TOLERANCE = 1e-6  # relative; what a form fitted to answers in double precision may miss
POOR_FIT = (
    5.0  # typical miss, as a multiple of the answers' error, of a form that is not the right one
)
BLUR = 0.005  # error of scores, as if of two decimals, that keeps a fit near the boundary
GOOD_FIT = 1.0  # from here on it is the right one
WORTH_WAITING = 4  # rows an unknown that the patience must cover, for a form to be waited for
MUCH_WORSE = 2.0  # than the least miss: a form that is not fitted again
BETTER = 0.01  # more agreement, that is worth another round where no form fits
IMPROVED = 0.7  # of the miss one round before


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A copy, and how it does on answers held back: `agreement` on own rows, and on rows asked.

    `miss` is the root mean square of what its scores miss, as a multiple of what is allowed;
    `exact` whether none misses by more, and all labels agree.
    """

    copy: Substitute
    agreement: tuple[float, float]
    miss: float = np.inf
    exact: bool = False

    @property
    def rank(self) -> tuple[bool, float, float, float]:
        return (self.exact, *self.agreement, -self.miss)


class Refinement:
    """Rounds of questions near the boundary of the best copy so far.

    Parameters
    ----------
    access
        The attacker's own data, if any.
    asked
        Rows asked so far, and what they said.
    patience
        Rows asked an unknown, at most.
    """

    def __init__(self, access: Access, asked: Equations, patience: int) -> None:
        self._access, self._asked, self._patience = access, asked, patience
        self._aside = np.zeros(len(asked.rows), dtype=bool)
        self._contest = Contest.of(access)
        self._data = self._list_own()
        self._fits: dict[tuple[Degree, Link], ScoreFit] = {}  # of the last round
        self._misses: dict[tuple[Degree, Link], float] = {}
        self._dropped: set[tuple[Degree, Link]] = set()

    def run(self, copy: Substitute) -> Iterator[Substitute]:
        """Yield the copy to hand in after each round."""
        asked, rng = self._asked, self._access.rng
        unknowns = (len(asked.design.levels) + 1) * max(1, len(self._access.classes) - 1)
        most, size = self._patience * unknowns, max(FIRST_ROWS, 2 * len(asked.design.levels))
        self._bracket(size)
        agreed = 0.0
        while True:
            size = min(size, asked.left)
            if size < 2 or len(asked.rows) >= most:
                return
            anywhere = max(1, int(ANYWHERE * size))
            self._ask(draw_wide(asked.design, anywhere, rng), np.ones(anywhere, dtype=bool))
            pools = [asked.rows, self._data] if len(self._data) else [asked.rows]
            parts = [size // len(pools) - anywhere // len(pools)] * len(pools)
            near = np.concatenate(
                [draw_near(asked.design, copy, n, rng, pool)
                 for n, pool in zip(parts, pools, strict=True)]
            )  # fmt: skip
            self._ask(near, np.arange(len(near)) % SET_ASIDE == 0)
            if asked.answers.useful[-len(near) :].mean() < 0.5:
                self._bracket(size)
            best = self._find_best(copy)
            copy = best.copy
            handed = copy if best.exact else self._contest.challenge(copy)
            yield handed.simplified(asked.design) if isinstance(handed, ScoreFit) else handed
            better = sum(best.agreement) > agreed + BETTER
            hopeless = self._misses.keys() == self._dropped and not self._waiting(most)
            if (best.exact and not asked.rounded) or (hopeless and not better):
                return
            agreed = sum(best.agreement)
            size = min(len(asked.rows), most - len(asked.rows))

    def _ask(self, rows: Floats, aside: Bools) -> None:
        labels = self._asked.ask(rows)
        self._aside = np.concatenate([self._aside, aside[: len(labels)]])

    def _list_own(self) -> Floats:
        """List the attacker's own rows that are whole and not held back, if there are any."""
        if self._contest.rest is None:
            return np.zeros((0, self._asked.rows.shape[1]))
        rows = np.asarray(self._contest.rest.x, dtype=np.float64)
        return rows[self._asked.design.domain.valid(rows) & np.isfinite(rows).all(axis=1)]

    def _bracket(self, budget: int) -> None:
        """Halve ways between rows of different answers until their scores say how far they are."""
        asked, rng = self._asked, self._access.rng
        if len(np.unique(asked.labels)) < 2:
            rows = draw_wide(asked.design, min(FIRST_ROWS, asked.left), rng)
            self._ask(rows, np.zeros(len(rows), dtype=bool))
        pairs = max(4, budget // 16)
        one, two = rng.integers(0, len(asked.rows), (2, 8 * pairs))
        unlike = np.flatnonzero(asked.labels[one] != asked.labels[two])[:pairs]
        left, right = asked.rows[one[unlike]], asked.rows[two[unlike]]
        label = asked.labels[one[unlike]]
        for _ in range(COPY_HALVINGS):
            if not len(left) or asked.left < len(left):
                return
            middle = asked.design.domain.project((left + right) / 2)
            before = len(asked.rows)
            self._ask(middle, np.zeros(len(middle), dtype=bool))
            same = (asked.labels[before:] == label)[:, None]
            open_ = ~asked.answers.useful[before:]
            left, right = np.where(same, middle, left)[open_], np.where(same, right, middle)[open_]
            label = label[open_]

    # ---- which form is best ---------------------------------------------------------------------

    def _find_best(self, before: Substitute) -> _Candidate:
        """Fit every form to what is not set aside, and choose on what is."""
        asked, answers = self._asked, self._asked.answers
        rows, known = asked.rows[~self._aside], answers.take(~self._aside)
        equations = int(np.maximum(known.seen.sum(axis=1) - 1, 0).sum())
        found = [self._judge(before)]
        classes = len(self._access.classes)
        for degree, link in FORMS:
            if (degree, link) in self._dropped:
                continue
            features = RowFeatures.of(asked.design, rows, degree)
            unknowns = features.size * (classes - (link == "softmax"))
            needless = (link == "sigmoids" and classes == 2) or found[-1].miss < GOOD_FIT
            if needless or unknowns > min(MOST_UNKNOWNS, equations / SPARE):
                continue
            last = self._fits.get((degree, link))
            if last is not None:
                features = last.features
            fit = fit_scores(features, rows, known, link, None if last is None else last.theta)
            self._fits[degree, link] = fit
            found.append(self._judge(fit))
            self._note(degree, link, found[-1].miss)
        if min(candidate.miss for candidate in found) > POOR_FIT:
            found += [self._judge(copy) for copy in self._approximate(rows, known)]
        return max(found, key=lambda candidate: candidate.rank)

    def _note(self, degree: Degree, link: Link, miss: float) -> None:
        """Drop a form that misses by far more than the answers' error, and no less than before."""
        form = (degree, link)
        before, least = self._misses.get(form), min(self._misses.values(), default=np.inf)
        poor = before is not None and miss > POOR_FIT and not miss < IMPROVED * before
        if poor or (least < POOR_FIT and miss > MUCH_WORSE * least):
            self._dropped.add(form)
        self._misses[form] = miss

    def _waiting(self, most: int) -> bool:
        """Tell whether a form was never fitted, for which there will be rows enough."""
        classes, rows = len(self._access.classes), self._asked.rows
        return any(
            form not in self._misses
            and (form[1] == "softmax" or classes > 2)
            and RowFeatures.of(self._asked.design, rows, form[0]).size * (classes - 1)
            <= min(MOST_UNKNOWNS, most / WORTH_WAITING)
            for form in FORMS
        )

    def _approximate(self, rows: Floats, known: LogScores) -> Iterator[Substitute]:
        """Approximate a model of none of the forms: near its boundary, and by learning its labels.

        An exact fit would serve the rows far from the boundary, where logarithms are largest.
        """
        recent = slice(-MOST_APPROXIMATED, None)
        features = RowFeatures.of(self._asked.design, rows, "linear")
        if features.size <= len(rows) / SPARE:
            yield fit_scores(features, rows[recent], known.take(recent).blurred(BLUR), "softmax")
        answered = AnsweredInputs(rows, self._asked.labels[~self._aside], None)
        yield learn_substitute(answered, self._contest.models, self._access.rng)

    def _judge(self, copy: Substitute) -> _Candidate:
        asked = self._asked
        same = copy.predict(asked.rows) == asked.labels
        other = float(same[self._aside].mean()) if self._aside.any() else 0.0
        agreement = self._contest.agreement(copy), other
        if not isinstance(copy, ScoreFit):
            return _Candidate(copy, agreement)
        answers = asked.answers.take(self._aside)
        misses = answers.compare(copy.log_scores(asked.rows[self._aside]), TOLERANCE)
        misses = misses[answers.seen & answers.useful[:, None]]
        if not len(misses):
            return _Candidate(copy, agreement)
        exact = bool(misses.max() <= 1 and same[self._aside].all())
        return _Candidate(copy, agreement, float(np.sqrt((misses**2).mean())), exact)


def draw_wide(design: RowDesign, n: int, rng: np.random.Generator) -> Floats:
    """Draw valid rows `(n, d)`: half anywhere, in corners and on the diagonal, half skewed.

    The values of real columns often crowd at one end of their range, as counts and prices do;
    skewed rows lie there, each to a degree of its own, and half of them have some columns, few or
    many, at the very end, as pixels and counts of words are 0.
    """
    rows = design.draw_mixed(n, rng)
    low, high = design.domain.bounds()
    both = np.isfinite(low) & np.isfinite(high)
    start, span = np.where(both, low, 0.0), np.where(both, high - low, 0.0)
    power = 10 ** rng.uniform(-MOST_SKEW, MOST_SKEW, (n, 1))
    part = rng.random(rows.shape) ** power
    part[rng.random(rows.shape) < rng.choice(AT_THE_END, (n, 1))] = 0.0
    skewed = start + part * span
    odd = np.arange(n)[:, None] % 2 == 1
    return np.asarray(design.domain.project(np.where(both & odd, skewed, rows)))


def draw_near(
    design: RowDesign, copy: Substitute, n: int, rng: np.random.Generator, further: Floats
) -> Floats:
    """Draw valid rows `(n, d)` near the boundary of a copy.

    Each lies on a way between two rows, drawn or of `further`, to which the copy gives different
    classes; half of them are moved off the boundary a little, so that scores of all sizes are
    seen.
    """
    rows = draw_wide(design, 8 * n, rng)
    whole = design.domain.discrete.copy()
    whole[[j for group in design.domain.one_hot for j in group]] = True
    one, two = rows[rng.permutation(len(rows))], rows[rng.permutation(len(rows))]
    if len(further):
        one[::2], two[::2] = further[rng.integers(0, len(further), (2, len(one[::2])))]
    two = np.where(whole, one, two)
    label = copy.predict(one)
    unlike = np.flatnonzero(copy.predict(two) != label)[:n]
    left, right, label = one[unlike], two[unlike], label[unlike]
    for _ in range(COPY_HALVINGS if len(left) else 0):
        middle = (left + right) / 2
        same = (copy.predict(middle) == label)[:, None]
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    off = np.where(np.arange(len(left)) % 2 == 0, rng.normal(size=len(left)) * JITTER, 0.0)
    near = left + off[:, None] * (two[unlike] - one[unlike])
    if len(near) < n:
        near = np.concatenate([near, rows[rng.permutation(len(rows))[: n - len(near)]]])
    return np.asarray(design.domain.project(near))
