"""Find the boundary of a table's classes by labels: halve many ways between unlike rows at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.attacks.extraction._planes import solve_planes
from goalkeeper.attacks.extraction._refining import draw_wide
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.games.extraction import Substitute
from goalkeeper.training.own_models import OwnModels

MAX_HALVINGS = 16  # of the way between two rows; 1/65,536 of it is left
FINE_HALVINGS = 30  # once there are first points
MIN_HALVINGS = 8  # halvings that are worth a way
FIRST_ROWS = 50  # rows drawn before any way is halved
SPARE_PAIRS = 5  # ways beyond the number of unknowns
ROUNDING = 1e-13  # of rows of size 1 in double precision
MIXTURES = 64  # of solutions that are tried, where there are several
MOST_POINTS = 4  # an unknown that planes are fitted to
ENOUGH_ROWS = 10  # of a class, drawn or beside the boundary, for others not to be taken
CROSSED = (0.1, 0.3, 0.5)  # shares of columns that change
MIN_AGREEMENT = 0.98  # from this agreement on, on rows drawn, the planes are handed in


class BoundarySearch:
    """Rows asked so far, and points that were found on the boundary.

    Parameters
    ----------
    access
        Where the questions go; a single campaign.
    design
        Valid rows of the table.
    """

    def __init__(self, access: Access, design: RowDesign) -> None:
        self._access, self.design = access, design
        width = len(design.domain.columns)
        self.rows, self.labels = np.zeros((0, width)), np.zeros(0, dtype=np.int64)
        self.drawn = np.zeros(0, dtype=np.int64)  # which rows were drawn at random
        self.ends = np.zeros(0, dtype=np.int64)  # which rows lie just beside the boundary
        self.edge = np.zeros((0, width))  # points on the boundary
        self.gap = np.zeros((0, width))  # how far they may be off it
        self.sides = np.zeros((0, 2), dtype=np.int64)  # classes on either side

    def draw(self, n: int) -> None:
        """Ask about rows drawn anywhere, and, once there are classes, about crossings of them."""
        before, rng = len(self.rows), self._access.rng
        rows = draw_wide(self.design, n, rng)
        if len(np.unique(self.labels)) > 1:
            half = n // 2
            rows[:half] = self._cross(rows[:half])
        self.ask(rows)
        self.drawn = np.concatenate([self.drawn, np.arange(before, len(self.rows))])

    def _cross(self, rows: Floats) -> Floats:
        """Change some columns of rows of every class, all classes counting the same."""
        rng = self._access.rng
        start = self.rows[self._choose_rows(rng.choice(np.unique(self.labels), len(rows)))]
        share = rng.choice(CROSSED, (len(rows), 1))
        swap = rng.random(rows.shape) < share
        return self.design.domain.project(np.where(swap, rows, start))

    def _choose_rows(self, classes: Ints) -> Ints:
        """Choose a row of each of these classes `(n,)`, drawn or beside the boundary.

        Of a class that is hardly met but on the way, any row will do.
        """
        chosen, usual = np.zeros(len(classes), dtype=np.int64), np.zeros(len(self.rows), dtype=bool)
        usual[self.drawn] = usual[self.ends] = True
        for label in np.unique(classes):
            here, rows = classes == label, np.flatnonzero(self.labels == label)
            if usual[rows].sum() >= ENOUGH_ROWS:
                rows = rows[usual[rows]]
            chosen[here] = self._access.rng.choice(rows, int(here.sum()))
        return chosen

    def ask(self, rows: Floats) -> Ints:
        """Ask as many rows as the budget covers."""
        rows = rows[: int(self._access.left()[0])]
        labels = self._access.query(rows).labels if len(rows) else self.labels[:0]
        self.rows = np.concatenate([self.rows, rows])
        self.labels = np.concatenate([self.labels, labels])
        return labels

    def halve(self, pairs: int, budget: int) -> None:
        """Halve the way between unlike rows, `pairs` ways side by side, as often as it can."""
        left, right, label, other = self._pair_unlike(pairs)
        times = min(
            MAX_HALVINGS if not len(self.edge) else FINE_HALVINGS, (budget - 1) // max(1, len(left))
        )
        if not len(left) or times < MIN_HALVINGS:  # too little to find the boundary
            self.draw(budget)
            return
        for _ in range(times):
            middle = self.design.domain.project((left + right) / 2)
            labels = self.ask(middle)
            if len(labels) < len(middle):
                return
            other = np.where(labels == label, other, labels)
            same = (labels == label)[:, None]
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        self.ends = np.concatenate([self.ends, np.arange(len(self.rows))[-2 * len(left) :]])
        self.edge = np.concatenate([self.edge, (left + right) / 2])
        self.gap = np.concatenate([self.gap, np.abs(left - right)])
        self.sides = np.concatenate([self.sides, np.column_stack([label, other])])

    def _pair_unlike(self, pairs: int) -> tuple[Floats, Floats, Ints, Ints]:
        """Pair rows of unlike labels that agree in all whole numbers, which cannot be halved.

        Every class is one end of equally many ways: rows drawn anywhere are mostly of a few.
        """
        rng = self._access.rng
        seen = np.unique(self.labels)
        if len(seen) < 2:
            one = two = self.drawn[:0]
        else:
            first = rng.integers(0, len(seen), pairs)
            second = (first + rng.integers(1, len(seen), pairs)) % len(seen)
            one, two = self._choose_rows(seen[first]), self._choose_rows(seen[second])
        left, right, label = self.rows[one], self.rows[two], self.labels[one]
        other = self.labels[two]
        whole = self._find_whole()
        if whole.any() and len(one):
            right = np.where(whole, left, right)
            labels = self.ask(right)
            kept = np.flatnonzero(labels != label[: len(labels)])
            left, right, label, other = left[kept], right[kept], label[kept], labels[kept]
        return left, right, label, other

    def _find_whole(self) -> Bools:
        whole = self.design.domain.discrete.copy()
        for group in self.design.domain.one_hot:
            whole[list(group)] = True
        return whole

    def build_substitute(self) -> Substitute:
        """Return the planes through the boundary if they separate the labels, else learn."""
        planes = self._fit_planes()
        if planes is not None and self._recall(planes) >= MIN_AGREEMENT:
            return planes
        drawn, ends = (
            AnsweredInputs(self.rows[i], self.labels[i], None) for i in (self.drawn, self.ends)
        )
        return learn_substitute(drawn, OwnModels(self.design.domain), self._access.rng, also=ends)

    def _recall(self, copy: Substitute) -> float:
        """Return the share of rows drawn that a copy gets right, every class counting the same."""
        labels = self.labels[self.drawn]
        right = copy.predict(self.rows[self.drawn]) == labels
        return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))

    def _fit_planes(self) -> LinearSubstitute | None:
        """Fit the planes of all points of the boundary, the surer ones weighing more."""
        seen, place = np.unique(self.labels), np.zeros(int(self.labels.max()) + 1, dtype=np.int64)
        place[seen] = np.arange(len(seen))
        if self.design.coded or len(seen) < 2:
            return None
        columns = np.array([j for j, _ in self.design.levels], dtype=np.int64)
        centre, spread = self.rows.mean(axis=0)[columns], self.rows.std(axis=0)[columns]
        spread[spread == 0] = 1.0
        gap = np.sqrt(((self.gap[:, columns] / spread) ** 2).sum(axis=1)) + ROUNDING
        order = np.argsort(gap, kind="stable")
        order = order[: MOST_POINTS * len(seen) * (len(columns) + 1)]
        points = np.column_stack([(self.edge[:, columns] - centre) / spread, np.ones(len(gap))])
        sure = gap.min(initial=1.0) / gap
        points = (points * sure[:, None])[order]
        theta = solve_planes(points, place[self.sides[order]], len(seen))
        if theta is None:
            return None
        mixtures = np.eye(1) if len(theta) == 1 else self._draw_mixtures(len(theta))
        copies = [
            self._write_planes(np.tensordot(sign * mixture, theta, axes=1), seen, centre, spread)
            for mixture in mixtures
            for sign in (1.0, -1.0)
        ]
        return max(copies, key=self._recall)

    def _draw_mixtures(self, solutions: int) -> Floats:
        return self._access.rng.normal(size=(MIXTURES, solutions))

    def _write_planes(
        self, theta: Floats, seen: Ints, centre: Floats, spread: Floats
    ) -> LinearSubstitute:
        """Write planes as weights of the columns; classes never seen can never win."""
        columns = np.array([j for j, _ in self.design.levels], dtype=np.int64)
        weights = np.zeros((int(seen[-1]) + 1, len(self.design.domain.columns)))
        bias = np.full(len(weights), -np.inf)
        weights[np.ix_(seen, columns)] = theta[:, :-1] / spread
        bias[seen] = theta[:, -1] - (theta[:, :-1] / spread) @ centre
        return LinearSubstitute(weights, bias)


def search_boundary(access: Access) -> Iterator[Substitute]:
    """Spend the budget in rounds of doubling size; yield a substitute after each."""
    if not isinstance(access.domain, TableDomain):
        raise DataError(f"this search needs rows of a table, the inputs are {access.domain.kind}s")
    design = RowDesign.of(access.domain)
    search = BoundarySearch(access, design)
    if not access.left()[0]:
        yield ConstantSubstitute(0)
        return
    unknowns = len(design.levels)
    others = max(1, len(access.classes) - 1)
    search.draw(
        min(
            max(FIRST_ROWS, (unknowns + SPARE_PAIRS) * others),
            int(access.left()[0] / 10) + FIRST_ROWS,
        )
    )
    pairs = (unknowns + 1) * max(1, len(np.unique(search.labels)) - 1) + SPARE_PAIRS - 1
    yield search.build_substitute()
    while left := int(min(access.left()[0], 2**31)):
        size = min(left, max(pairs * (MAX_HALVINGS + 1), len(search.rows)))
        if size < 2 * MIN_HALVINGS:
            search.draw(size)
        else:
            search.draw(min(len(search.drawn), size // 10))
            search.halve(min(pairs, max(1, size // (MAX_HALVINGS + 2))), size - size // 10)
        pairs *= 2
        yield search.build_substitute()
