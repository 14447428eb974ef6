"""Nearest neighbours for N subsets: every record is sorted by distance once, not once a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training.dispatch import FitJob, Refit
from goalkeeper.training.features import flatten_finite

# Squared distances this close, relative to the squared lengths of records, count as equal: float64
# rounds to 1e-16, and the sums over columns, taken in another order than scikit-learn's, to more.
TIE_TOLERANCE = 1e-12
BLOCK_BYTES = 16 << 20  # of distances and votes that are worked on at a time


def fit_many(job: FitJob, refit: Refit) -> NeighbourEnsemble:
    """Keep the records of every subset; raises DataError where one has too few.

    Scores are those of scikit-learn to 1e-9; to 1e-6 with `weights="distance"` for a record that
    equals a neighbour, whose distance scikit-learn rounds. Where neighbours of different classes
    are equally far, what counts is the order in which scikit-learn finds them: it is asked.
    """
    k, sizes = job.parts.final.n_neighbors, job.masks.sum(axis=1)
    small = sizes < k
    if small.any():
        raise DataError(
            f"model {int(np.argmax(small))} of {len(small)} has {int(sizes[small][0])} records, "
            f"but asks {k} neighbours; draw larger subsets, or lower n_neighbors"
        )
    return NeighbourEnsemble(job, refit)


@dataclass(frozen=True, eq=False)
class _NearestRecords:
    """The nearest records of some inputs: `rows (q, m)`, nearest first.

    `distances (q, m)` are squared if Euclidean; those within `tolerance (q,)` count as equal.
    """

    rows: Ints
    distances: Floats
    tolerance: Floats

    def mixed_ties(self, y: Ints) -> Bools:
        """Tell whether the records as far as this one `(q, m)` are of several classes."""
        apart = np.diff(self.distances, axis=1) > self.tolerance[:, None]
        other_class = np.diff(y[self.rows], axis=1) != 0
        # The number of each run of equal distances.
        group = np.zeros((len(apart), apart.shape[1] + 1), dtype=np.int64)
        group[:, 1:] = apart.cumsum(axis=1)
        flat = group[:, 1:] + group.shape[1] * np.arange(len(group))[:, None]
        changes = np.bincount(flat[~apart & other_class], minlength=group.size)
        mixed = changes.reshape(group.shape) > 0
        return np.asarray(np.take_along_axis(mixed, group, axis=1))


class NeighbourEnsemble:
    """N models that share the records and differ in which of them they know."""

    def __init__(self, job: FitJob, refit: Refit) -> None:
        final = job.parts.final
        self._rows, self._y = flatten_finite(job.data.x), job.data.y
        self._masks, self._refit = job.masks, refit
        self._member = np.ascontiguousarray(job.masks.T)
        self._k, self._weighted = final.n_neighbors, final.weights == "distance"
        manhattan = final.metric in ("manhattan", "l1", "cityblock")
        self._squared = not manhattan and not (final.metric == "minkowski" and final.p == 1)
        sizes = job.masks.sum(axis=1)
        self._needed = np.minimum(self._k + 1, sizes)  # one more tells whether there is a tie
        # Twice the records among which the smallest subset has so many of its own on average.
        self._first_width = int(2 * (self._k + 1) * len(self._y) / sizes.min()) + 2
        self._classes, self._memory = len(job.classes), min(job.compute.memory, BLOCK_BYTES)

    def __len__(self) -> int:
        return len(self._masks)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        out = np.empty((len(self), len(x), self._classes))
        undecided = np.zeros((len(self), len(x)), dtype=bool)
        rows = flatten_finite(x)
        for part in self._parts(len(x)):
            out[:, part], undecided[:, part] = self._vote(rows[part])
        for i in np.flatnonzero(undecided.any(axis=1)):
            out[i, undecided[i]] = self._refit(int(i)).answer(x[undecided[i]], View.SCORES).scores
        return out

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`; the first of those with the same score."""
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        """Return the i-th target: an ordinary fitted scikit-learn model."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"there are {len(self)} models, no number {i}")
        return self._refit(i % len(self))

    def _parts(self, n: int) -> Iterator[slice]:
        """Cut n inputs so that distances and votes stay within the memory."""
        width = min(self._first_width, len(self._rows))
        # Per input: distances and their order (16 bytes) to all records and, for every model and
        # near record, membership, rank and vote.
        bytes_each = 16 * (len(self._rows) + len(self) * width)
        size = max(1, self._memory // bytes_each)
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    def _vote(self, x: Floats) -> tuple[Floats, Bools]:
        """Return scores `(N, q, classes)`, and which of them `(N, q)` a tie leaves open."""
        nearest, rank, member = self._rank_members(x)
        last, following = self._place_of(rank, self._k), self._place_of(rank, self._k + 1)
        gap = np.take_along_axis(nearest.distances, following, 1)
        gap -= np.take_along_axis(nearest.distances, last, 1)
        mixed = np.take_along_axis(nearest.mixed_ties(self._y), last, 1)
        tied = (gap <= nearest.tolerance[:, None]) & mixed & (rank[:, -1] > self._k)
        return self._count_votes(nearest, member & (rank <= self._k)), tied.T

    def _rank_members(self, x: Floats) -> tuple[_NearestRecords, Ints, Bools]:
        """Find near records until every model knows enough, and number those that it knows.

        Numbers and membership are `(q, m, N)`.
        """
        width = min(self._first_width, len(self._rows))
        while True:
            nearest = self._sort_nearest(x, width)
            member = self._member[nearest.rows]
            rank = member.cumsum(axis=1, dtype=np.int32)
            farthest = np.take_along_axis(nearest.distances, self._place_of(rank, self._needed), 1)
            # What lies as far as the last record found may tie with others beyond it.
            settled = farthest < (nearest.distances[:, -1] - nearest.tolerance)[:, None]
            sufficient = (rank[:, -1] >= self._needed) & settled
            if width == len(self._rows) or bool(sufficient.all()):
                return nearest, rank, member
            width = min(2 * width, len(self._rows))

    def _place_of(self, rank: Ints, number: int | Ints) -> Ints:
        """Find where `(q, N)` each model's record of this number is, or the last place."""
        place = (rank < number).sum(axis=1)
        return np.asarray(np.minimum(place, rank.shape[1] - 1))

    def _count_votes(self, nearest: _NearestRecords, chosen: Bools) -> Floats:
        """Return shares of the votes `(N, q, classes)`."""
        votes = np.eye(self._classes)[self._y[nearest.rows]]
        voters = chosen.transpose(0, 2, 1).astype(np.float64)
        if not self._weighted:
            out = voters @ votes
        else:
            same = nearest.distances == 0
            distance = np.sqrt(nearest.distances) if self._squared else nearest.distances
            weight = np.divide(1.0, distance, out=np.zeros_like(distance), where=~same)
            # A record at distance 0 weighs infinitely much: only such records then count.
            equal = voters @ (votes * same[:, :, None])
            any_equal = equal.sum(axis=2, keepdims=True) > 0
            out = np.where(any_equal, equal, voters @ (votes * weight[:, :, None]))
        out /= out.sum(axis=2, keepdims=True)
        return np.asarray(out.transpose(1, 0, 2))

    def _sort_nearest(self, x: Floats, width: int) -> _NearestRecords:
        """Sort the `width` nearest records of inputs `(q, d)`."""
        from scipy.spatial.distance import cdist

        squares = np.square(self._rows).sum(axis=1)
        tolerance = TIE_TOLERANCE * (np.square(x).sum(axis=1) + squares.max())
        if self._squared:
            # |x - r|^2 less |x|^2, which moves no record: one matrix product.
            approximate = squares - 2 * (x @ self._rows.T)
        else:
            approximate = cdist(x, self._rows, "cityblock")
            tolerance = np.sqrt(TIE_TOLERANCE * tolerance)
        rows = np.argpartition(approximate, width - 1, axis=1)[:, :width]
        distances = np.take_along_axis(approximate, rows, 1)
        if self._squared:  # again for the few that count, without what cancels above
            distances = np.square(self._rows[rows] - x[:, None]).sum(axis=2)
        order = np.lexsort((rows, distances), axis=1)
        rows, distances = (np.take_along_axis(a, order, 1) for a in (rows, distances))
        return _NearestRecords(rows, distances, tolerance)
