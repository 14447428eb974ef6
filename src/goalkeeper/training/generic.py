"""Train any models: one after the other, or spread over processes.

Every model is trained with one thread, here as in other processes, so that processes never ask
for more cores than there are, and results do not depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View

CHUNKS = 4  # pieces of work for every process
TRIES = 2  # of a piece whose process dies
THREADS = ("n_jobs", "nthread", "num_threads", "thread_count")  # what estimators call them


class Rows(Protocol):
    """What models are trained on: anything that rows can be taken from."""

    def __len__(self) -> int: ...

    def take(self, rows: Bools, /) -> Any:
        """Return what one model is trained on: the rows where the mask `(n,)` is true."""
        ...


Fit = Callable[[Any, int], Target]


class Models:
    """An ensemble of targets that were trained one by one."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = tuple(targets)

    def __len__(self) -> int:
        return len(self._targets)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`; raises NotOffered for models without scores."""
        return np.stack([t.answer(x, View.SCORES).scores for t in self._targets])

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.stack([t.answer(x, View.LABELS).labels for t in self._targets])

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return self._targets[i]


def fit_many(fit: Fit, data: Rows, masks: Bools, seeds: Sequence[int], jobs: int) -> Models:
    """Train one target for every mask `(N, rows)`; `jobs` processes share the work.

    The same seeds give the same models, however many processes there are. Processes map the same
    copy of numbers and texts; fitted models come back to this process.

    Raises
    ------
    DataError, TargetError
        What `fit` raised, with the number of the model: of the first model that fails. TargetError
        also where processes die again and again.
    """
    work = _Work(fit, _lean(data), len(masks))
    if jobs == 1 or len(masks) < 2 * jobs:
        return Models(_joined([work.piece(0, masks, seeds)], len(masks)))
    shared = _Work(fit, _shareable(work.data), len(masks))
    return Models(_joined(_spread(shared, masks, seeds, jobs), len(masks)))


def one_thread(estimator: Any) -> Any:
    """Have an estimator, and every one inside it, take one thread and no other process.

    That is the meaning of None for scikit-learn; for others None often means every core.
    """
    params = estimator.get_params(deep=True)
    changed = {}
    for key in params:
        owner, _, name = key.rpartition("__")
        if name in THREADS:
            kind = type(params[owner] if owner else estimator)
            changed[key] = None if kind.__module__.startswith("sklearn.") else 1
    return estimator.set_params(**changed) if changed else estimator


@dataclass(frozen=True, eq=False)
class _Piece:
    """Models of consecutive masks from `start` on; the first that failed ends it."""

    start: int
    targets: list[Target]
    error: DataError | TargetError | None = None


@dataclass(frozen=True, eq=False)
class _Work:
    """What is the same for every piece."""

    fit: Fit
    data: Rows
    models: int

    def piece(self, start: int, masks: Bools, seeds: Sequence[int]) -> _Piece:
        """Train consecutive models, with one thread."""
        from threadpoolctl import threadpool_limits

        targets: list[Target] = []
        with threadpool_limits(limits=1):
            for mask, seed in zip(masks, seeds, strict=True):
                try:
                    targets.append(self.fit(self.data.take(mask), seed))
                except (DataError, TargetError) as error:
                    return _Piece(start, targets, error)
        return _Piece(start, targets)


def _spread(work: _Work, masks: Bools, seeds: Sequence[int], jobs: int) -> Iterable[_Piece]:
    """Train in processes; pieces that a dead process took with it are tried once more."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    cut = np.array_split(np.arange(work.models), min(work.models, CHUNKS * jobs))
    left = {int(rows[0]): rows for rows in cut}
    done: dict[int, _Piece] = {}
    for _ in range(TRIES):
        calls = [(s, masks[rows], [seeds[i] for i in rows]) for s, rows in left.items()]
        try:
            for piece in _parallel(work, calls, jobs):
                done[piece.start] = piece
                del left[piece.start]
        except BrokenProcessPool:
            continue
        return [done[start] for start in sorted(done)]
    first = min(left)
    raise TargetError(
        f"a process died {TRIES} times while models {first} to {first + len(left[first]) - 1} of "
        f"{work.models}, or others with them, were trained; most often the memory was used up: "
        f"give fewer than {jobs} processes, or smaller models"
    )


def _parallel(work: _Work, calls: list[Any], jobs: int) -> Iterable[_Piece]:
    """Yield pieces as they are finished."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        found: Iterable[_Piece] = parallel(delayed(work.piece)(*call) for call in calls)
        yield from found


def _joined(pieces: Iterable[_Piece], models: int) -> list[Target]:
    """Put pieces together; the error of the first model that failed is raised."""
    targets: list[Target] = []
    for piece in pieces:
        targets += piece.targets
        if piece.error is not None:
            said = f"model {len(targets)} of {models}: {piece.error}"
            raise type(piece.error)(said) from piece.error
    return targets


# ---- what processes share ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Texts:
    """Texts as two arrays of numbers, which processes can map; objects would be copied to each."""

    letters: NDArray[np.uint8]
    ends: Ints
    y: Ints

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Bools) -> Data:
        """Read the texts of some rows."""
        x = np.empty(int(rows.sum()), dtype=object)
        starts = np.concatenate([[0], self.ends[:-1]])
        for i, (start, end) in enumerate(zip(starts[rows], self.ends[rows], strict=True)):
            x[i] = self.letters[start:end].tobytes().decode("utf-8", "surrogatepass")
        return Data(x=x, y=self.y[rows])


def _lean(data: Rows) -> Rows:
    """Leave out what is known of records beside the input: no training looks at it."""
    return Data(x=data.x, y=data.y) if isinstance(data, Data) else data


def _shareable(data: Rows) -> Rows:
    """Turn texts into numbers; joblib maps large arrays of numbers by itself."""
    if not isinstance(data, Data) or not all(isinstance(text, str) for text in data.x):
        return data
    encoded = [text.encode("utf-8", "surrogatepass") for text in data.x]
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return _Texts(letters, ends, data.y)
