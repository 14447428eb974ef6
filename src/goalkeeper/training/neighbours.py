"""Nearest neighbours for N subsets: every record is sorted by distance once, not once a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training.features import finite
from goalkeeper.training.paths import Job

CLOSE = 1e-12  # squared distances this close, relative to the lengths of records, count as equal
PIECE = 16 << 20  # bytes that are worked on at a time
Refit = Callable[[int], Target]


def fit_many(job: Job, refit: Refit) -> Neighbours:
    """Keep the records of every subset; raises DataError where one has too few.

    Scores are those of scikit-learn to 1e-9; to 1e-6 with `weights="distance"` for a record that
    equals a neighbour, whose distance scikit-learn rounds. Where neighbours of different classes
    are equally far, what counts is the order in which scikit-learn finds them: it is asked.
    """
    k, sizes = job.path.final.n_neighbors, job.masks.sum(axis=1)
    small = sizes < k
    if small.any():
        raise DataError(
            f"model {int(np.argmax(small))} of {len(small)} has {int(sizes[small][0])} records, "
            f"but asks {k} neighbours; draw larger subsets, or lower n_neighbors"
        )
    return Neighbours(job, refit)


@dataclass(frozen=True, eq=False)
class _Near:
    """The nearest records of some inputs: `rows (q, m)`, nearest first.

    `away (q, m)` are distances, squared if Euclidean; those within `slack (q,)` count as equal.
    """

    rows: Ints
    away: Floats
    slack: Floats

    def mixed(self, y: Ints) -> Bools:
        """Whether the records as far as this one `(q, m)` are of several classes."""
        gap = np.diff(self.away, axis=1) > self.slack[:, None]
        other = np.diff(y[self.rows], axis=1) != 0
        run = np.concatenate([np.zeros((len(gap), 1), dtype=np.int64), gap.cumsum(axis=1)], axis=1)
        flat = run[:, 1:] + run.shape[1] * np.arange(len(run))[:, None]
        found = np.bincount(flat[~gap & other], minlength=run.size).reshape(run.shape) > 0
        return np.asarray(np.take_along_axis(found, run, axis=1))


class Neighbours:
    """N models that share the records and differ in which of them they know."""

    def __init__(self, job: Job, refit: Refit) -> None:
        final = job.path.final
        self._rows, self._y = finite(job.data.x), job.data.y
        self._masks, self._refit = job.masks, refit
        self._member = np.ascontiguousarray(job.masks.T)
        self._k, self._weighs = final.n_neighbors, final.weights == "distance"
        plain = final.metric in ("manhattan", "l1", "cityblock")
        self._squared = not plain and not (final.metric == "minkowski" and final.p == 1)
        sizes = job.masks.sum(axis=1)
        self._need = np.minimum(self._k + 1, sizes)  # members that tell whether there is a tie
        self._width = int(2 * (self._k + 1) * len(self._y) / sizes.min()) + 2
        self._classes, self._memory = len(job.classes), min(job.means.memory, PIECE)

    def __len__(self) -> int:
        return len(self._masks)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        out = np.empty((len(self), len(x), self._classes))
        unsure = np.zeros((len(self), len(x)), dtype=bool)
        rows = finite(x)
        for part in self._parts(len(x)):
            out[:, part], unsure[:, part] = self._voted(rows[part])
        for i in np.flatnonzero(unsure.any(axis=1)):
            out[i, unsure[i]] = self._refit(int(i)).answer(x[unsure[i]], View.SCORES).scores
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
        each = 16 * (len(self._rows) + len(self) * min(self._width, len(self._rows)))
        size = max(1, self._memory // each)
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    def _voted(self, x: Floats) -> tuple[Floats, Bools]:
        """Scores `(N, q, classes)`, and which of them `(N, q)` a tie leaves open."""
        near, rank, member = self._ranked(x)
        last, following = self._place(rank, self._k), self._place(rank, self._k + 1)
        apart = np.take_along_axis(near.away, following, 1)
        apart -= np.take_along_axis(near.away, last, 1)
        mixed = np.take_along_axis(near.mixed(self._y), last, 1)
        tied = (apart <= near.slack[:, None]) & mixed & (rank[:, -1] > self._k)
        return self._counted(near, member & (rank <= self._k)), tied.T

    def _ranked(self, x: Floats) -> tuple[_Near, Ints, Bools]:
        """Find near records until every model knows enough, and number those that it knows.

        Numbers and membership are `(q, m, N)`.
        """
        width = min(self._width, len(self._rows))
        while True:
            near = self._near(x, width)
            member = self._member[near.rows]
            rank = member.cumsum(axis=1, dtype=np.int32)
            reach = np.take_along_axis(near.away, self._place(rank, self._need), 1)
            inner = reach < (near.away[:, -1] - near.slack)[:, None]
            enough = (rank[:, -1] >= self._need) & inner
            if width == len(self._rows) or bool(enough.all()):
                return near, rank, member
            width = min(2 * width, len(self._rows))

    def _place(self, rank: Ints, number: int | Ints) -> Ints:
        """Where `(q, N)` each model's record of this number is, or the last place."""
        place = (rank < number).sum(axis=1)
        return np.asarray(np.minimum(place, rank.shape[1] - 1))

    def _counted(self, near: _Near, chosen: Bools) -> Floats:
        """Shares of the votes `(N, q, classes)`."""
        votes = np.eye(self._classes)[self._y[near.rows]]
        picked = chosen.transpose(0, 2, 1).astype(np.float64)
        if not self._weighs:
            out = picked @ votes
        else:
            same = near.away == 0
            distance = np.sqrt(near.away) if self._squared else near.away
            weight = np.divide(1.0, distance, out=np.zeros_like(distance), where=~same)
            equal = picked @ (votes * same[:, :, None])
            found = equal.sum(axis=2, keepdims=True) > 0
            out = np.where(found, equal, picked @ (votes * weight[:, :, None]))
        out /= out.sum(axis=2, keepdims=True)
        return np.asarray(out.transpose(1, 0, 2))

    def _near(self, x: Floats, width: int) -> _Near:
        """Sort the `width` nearest records of inputs `(q, d)`."""
        from scipy.spatial.distance import cdist

        squares = np.square(self._rows).sum(axis=1)
        slack = CLOSE * (np.square(x).sum(axis=1) + squares.max())
        if self._squared:
            rough = squares - 2 * (x @ self._rows.T)
        else:
            rough = cdist(x, self._rows, "cityblock")
            slack = np.sqrt(CLOSE * slack)
        rows = np.argpartition(rough, width - 1, axis=1)[:, :width]
        exact = np.take_along_axis(rough, rows, 1)
        if self._squared:  # without what cancels
            exact = np.square(self._rows[rows] - x[:, None]).sum(axis=2)
        order = np.lexsort((rows, exact), axis=1)
        return _Near(np.take_along_axis(rows, order, 1), np.take_along_axis(exact, order, 1), slack)
