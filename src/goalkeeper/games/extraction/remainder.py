"""What is left to gain by questions: how rarely the copy that needs none differs from the target.

The normalised gain is a share of these inputs. Where there are hardly any of them, it cannot be
measured, however many inputs are asked, and there is hardly anything to measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.evidence import Measurement
from goalkeeper.games.shared.measuring import build_measurement
from goalkeeper.games.shared.wording import percent
from goalkeeper.stats import clopper_pearson, proportion_lower, proportion_upper

# Error probability of each of two bounds: together, and over two looks, no more than 5 %.
ALPHA = 0.0125
MOST = 0.02  # beyond, a better copy is worth something, whatever loss of accuracy is tolerated


@dataclass(frozen=True, slots=True)
class Remainder:
    """Inputs on which the copy without a question differs, and how much that can be at most.

    `most` is an upper bound of the mean, over the classes, of the share of inputs answered with
    this class on which the copy differs: of a rare class no less must be right than of others.
    `tolerated` is how much of it does not matter.
    """

    count: int
    n: int
    most: float
    tolerated: float

    @classmethod
    def of(cls, app: Application, labels: Ints, same: Bools) -> Remainder:
        """Compare answers of the target `(n,)` with where the copy gives the same, `(n,)`.

        The share of all inputs is bounded by an exact interval. The mean over k classes is at most
        that share divided by k times the share of the rarest answer, which has an exact bound, too.
        """
        n, count, classes = len(same), int((~same).sum()), len(app.classes)
        rarest = int(np.bincount(labels, minlength=classes).min())
        share = proportion_lower(rarest, n, alpha=ALPHA)
        whole = proportion_upper(count, n, alpha=ALPHA)
        most = min(1.0, whole / (classes * share)) if share > 0 else 1.0
        return cls(count, n, most, min(app.tolerances.accuracy_drop, MOST))

    @property
    def negligible(self) -> bool:
        """Whether a copy that is always right would gain no more than does not matter."""
        return self.most <= self.tolerated

    @property
    def reason(self) -> str:
        """Say that nothing is to be had."""
        return (
            "nothing is to be had: a model trained without any query already agrees on "
            f"{percent(1 - self.count / self.n)} of {self.n:,} unseen inputs; with every class "
            f"weighed alike, at most {percent(self.most)} are left to gain, and "
            f"{percent(self.tolerated)} do not matter (tolerances: accuracy_drop, at most 2 %)"
        )

    def measure(self) -> Measurement:
        """Measure what is left to gain."""
        value = self.count / self.n
        return build_measurement(
            "left to gain",
            (value, *clopper_pearson(self.count, self.n)),
            self.n,
            note="unseen inputs on which the best copy without any query differs",
        )
