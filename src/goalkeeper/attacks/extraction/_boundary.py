"""Find the boundary of a table's classes by labels: halve many ways between unlike rows at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.attacks._row_design import RowDesign
from goalkeeper.attacks.extraction._learning import AnsweredInputs, learn_substitute
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute, LinearSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError
from goalkeeper.games.extraction import Substitute

MAX_HALVINGS = 16  # of the way between two rows; 1/65,536 of it is left
MIN_HALVINGS = 8  # halvings that are worth a way
FIRST_ROWS = 50  # rows drawn before any way is halved
SPARE_PAIRS = 5  # ways beyond the number of unknowns
MIN_SPREAD = (
    3.0  # how much the points must spread in the plane, as a multiple of their distance to it
)
PARTNERS_TRIED = 40  # rows tried as the other end of a way
MIN_AGREEMENT = 0.98  # from this agreement on the plane through the boundary is handed in


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
        self.edge = np.zeros((0, width))

    def draw(self, n: int) -> None:
        """Ask about rows drawn anywhere."""
        before = len(self.rows)
        self.ask(self.design.draw_mixed(n, self._access.rng))
        self.drawn = np.concatenate([self.drawn, np.arange(before, len(self.rows))])

    def ask(self, rows: Floats) -> Ints:
        """Ask as many rows as the budget covers."""
        rows = rows[: int(self._access.left()[0])]
        labels = self._access.query(rows).labels if len(rows) else self.labels[:0]
        self.rows = np.concatenate([self.rows, rows])
        self.labels = np.concatenate([self.labels, labels])
        return labels

    def halve(self, pairs: int, budget: int) -> None:
        """Halve the way between unlike rows, `pairs` ways side by side, as often as it can."""
        left, right, label = self._pair_unlike(pairs)
        times = min(MAX_HALVINGS, (budget - 1) // max(1, len(left)))
        if not len(left) or times < MIN_HALVINGS:  # too little to find the boundary
            self.draw(budget)
            return
        for _ in range(times):
            middle = self.design.domain.project((left + right) / 2)
            labels = self.ask(middle)
            if len(labels) < len(middle):
                return
            same = (labels == label)[:, None]
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        self.ends = np.concatenate([self.ends, np.arange(len(self.rows))[-2 * len(left) :]])
        if times == MAX_HALVINGS or not len(self.edge):  # rougher points would blur the plane
            self.edge = np.concatenate([self.edge, (left + right) / 2])

    def _pair_unlike(self, pairs: int) -> tuple[Floats, Floats, Ints]:
        """Pair rows of unlike labels that agree in all whole numbers, which cannot be halved."""
        rng = self._access.rng
        one = np.resize(rng.permutation(self.drawn), pairs)  # many rows: they must span the plane
        two = rng.choice(self.drawn, (PARTNERS_TRIED, pairs))
        unlike = self.labels[two] != self.labels[one]
        one, two = one[unlike.any(axis=0)], two[unlike.argmax(axis=0), np.arange(pairs)]
        two = two[unlike.any(axis=0)]
        left, right, label = self.rows[one], self.rows[two], self.labels[one]
        whole = self._find_whole()
        if whole.any() and len(one):
            right = np.where(whole, left, right)
            labels = self.ask(right)
            kept = np.flatnonzero(labels != label[: len(labels)])
            left, right, label = left[kept], right[kept], label[kept]
        return left, right, label

    def _find_whole(self) -> Bools:
        whole = self.design.domain.discrete.copy()
        for group in self.design.domain.one_hot:
            whole[list(group)] = True
        return whole

    def build_substitute(self) -> Substitute:
        """Return the plane through the boundary if it separates the labels, else a learnt model."""
        plane = self._fit_plane()
        if plane is not None and (plane.predict(self.rows) == self.labels).mean() >= MIN_AGREEMENT:
            return plane
        drawn, ends = (
            AnsweredInputs(self.rows[i], self.labels[i], None) for i in (self.drawn, self.ends)
        )
        return learn_substitute(drawn, self.design.domain, self._access.rng, also=ends)

    def _fit_plane(self) -> LinearSubstitute | None:
        """Fit the plane of all points of the boundary: the null vector of `[points 1]`."""
        seen = np.unique(self.labels)
        if self.design.coded or len(seen) != 2 or len(self.edge) < len(self.design.levels) + 1:
            return None
        centre, spread = self.rows.mean(axis=0), self.rows.std(axis=0)
        spread[spread == 0] = 1.0
        points = np.column_stack([(self.edge - centre) / spread, np.ones(len(self.edge))])
        _, sizes, normals = np.linalg.svd(points, full_matrices=False)
        if sizes[-2] <= MIN_SPREAD * sizes[-1]:
            return None
        normal = normals[-1]
        weights = normal[:-1] / spread
        bias = normal[-1] - weights @ centre
        side = (self.rows @ weights + bias > 0) == (self.labels == seen[1])
        sign = 1.0 if side.mean() >= 0.5 else -1.0
        rows = np.zeros((int(seen[1]) + 1, len(weights)))
        offsets = np.full(int(seen[1]) + 1, -np.inf)
        offsets[seen] = 0.0
        rows[seen[1]], offsets[seen[1]] = sign * weights, sign * bias
        return LinearSubstitute(rows, offsets)


def search_boundary(access: Access) -> Iterator[Substitute]:
    """Spend the budget in rounds of doubling size; yield a substitute after each."""
    if not isinstance(access.domain, TableDomain):
        raise DataError(f"this search needs rows of a table, the inputs are {access.domain.kind}s")
    design = RowDesign.of(access.domain)
    search = BoundarySearch(access, design)
    if not access.left()[0]:
        yield ConstantSubstitute(0)
        return
    pairs = len(design.levels) + SPARE_PAIRS
    search.draw(max(FIRST_ROWS, pairs))
    yield search.build_substitute()
    while left := int(min(access.left()[0], 2**31)):
        size = min(left, max(pairs * (MAX_HALVINGS + 1), len(search.rows)))
        if size < 2 * MIN_HALVINGS:
            search.draw(size)
        else:
            search.draw(min(len(search.drawn), size // 10))
            search.halve(min(pairs, size // (MIN_HALVINGS + 2)), size - size // 10)
        pairs *= 2
        yield search.build_substitute()
