"""Train any models: one after the other, or spread over processes.

Every model is trained with one thread, here as in other processes, so that processes never ask
for more cores than there are, and results do not depend on their number.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.retrained import with_columns

# Several for every process, so that one with quick models takes over from one with slow ones, and
# few, since each is sent and its models come back at once.
CHUNKS_PER_PROCESS = 4
MAX_ATTEMPTS = 2  # of a chunk whose process dies: once more, in case another one took the memory
USER_CODE = "goalkeeper_user_"  # how the names of modules begin that a description names
# What scikit-learn, XGBoost, LightGBM and CatBoost call their number of threads.
THREAD_PARAMETERS = ("n_jobs", "nthread", "num_threads", "thread_count")


class TrainingRows(Protocol):
    """What models are trained on: anything that rows can be taken from."""

    def __len__(self) -> int: ...

    def take(self, rows: Bools, /) -> Any:
        """Return what one model is trained on: the rows where the mask `(n,)` is true."""
        ...


Fit = Callable[[Any, int], Target]


class SeparateModels:
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


def fit_many(
    fit: Fit,
    data: TrainingRows,
    masks: Bools,
    seeds: Sequence[int],
    jobs: int,
    columns: Collection[str] = (),
) -> SeparateModels:
    """Train one target for every mask `(N, rows)`; `jobs` processes share the work.

    `columns` are those beside the inputs that `fit` looks at; it gets no others.

    The same seeds give the same models, however many processes there are. Processes map the same
    copy of numbers and texts; fitted models come back to this process.

    Raises
    ------
    DataError, TargetError
        What `fit` raised, with the number of the model: of the first model that fails. TargetError
        also where processes die again and again.
    """
    work = _SharedWork(fit, _drop_metadata(data, columns), len(masks))
    if jobs == 1 or len(masks) < 2 * jobs:
        return SeparateModels(_join([work.train_chunk(0, masks, seeds)], len(masks)))
    shared = _SharedWork(fit, _encode_texts(work.data), len(masks))
    return SeparateModels(_join(_fit_in_processes(shared, masks, seeds, jobs), len(masks)))


def limit_to_one_thread(estimator: Any) -> Any:
    """Have an estimator, and every one inside it, take one thread and no other process.

    That is the meaning of None for scikit-learn; for others None often means every core.
    """
    params = estimator.get_params(deep=True)
    changed = {}
    for key in params:
        owner, _, name = key.rpartition("__")
        if name in THREAD_PARAMETERS:
            owner_type = type(params[owner] if owner else estimator)
            changed[key] = None if owner_type.__module__.startswith("sklearn.") else 1
    return estimator.set_params(**changed) if changed else estimator


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Models of consecutive masks from `start` on; the first that failed ends it."""

    start: int
    targets: list[Target]
    error: DataError | TargetError | None = None


@dataclass(frozen=True, eq=False)
class _SharedWork:
    """What is the same for every chunk."""

    fit: Fit
    data: TrainingRows
    models: int

    def train_chunk(self, start: int, masks: Bools, seeds: Sequence[int]) -> _Chunk:
        """Train consecutive models, with one thread."""
        from threadpoolctl import threadpool_limits

        targets: list[Target] = []
        with threadpool_limits(limits=1):
            for mask, seed in zip(masks, seeds, strict=True):
                try:
                    targets.append(self.fit(self.data.take(mask), seed))
                except (DataError, TargetError) as error:
                    return _Chunk(start, targets, error)
        return _Chunk(start, targets)


def _fit_in_processes(
    work: _SharedWork, masks: Bools, seeds: Sequence[int], jobs: int
) -> Iterable[_Chunk]:
    """Train in processes; chunks that a dead process took with it are tried once more."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    splits = np.array_split(np.arange(work.models), min(work.models, CHUNKS_PER_PROCESS * jobs))
    pending = {int(rows[0]): rows for rows in splits}
    done: dict[int, _Chunk] = {}
    for _ in range(MAX_ATTEMPTS):
        calls = [(s, masks[rows], [seeds[i] for i in rows]) for s, rows in pending.items()]
        try:
            for chunk in _run_parallel(work, calls, jobs):
                check_time()  # what the processes themselves cannot do
                done[chunk.start] = chunk
                del pending[chunk.start]
        except BrokenProcessPool:
            continue
        return [done[start] for start in sorted(done)]
    first = min(pending)
    last = first + len(pending[first]) - 1
    raise TargetError(
        f"a process died {MAX_ATTEMPTS} times while models {first} to {last} of "
        f"{work.models}, or others with them, were trained; usually because memory ran out: "
        f"give fewer than {jobs} processes, or smaller models"
    )


def _run_parallel(work: _SharedWork, calls: list[Any], jobs: int) -> Iterable[_Chunk]:
    """Yield chunks as they are finished."""
    from joblib import Parallel, delayed, parallel_config

    settings = parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1)
    with _user_code_by_value(), settings:
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        finished: Iterable[_Chunk] = parallel(delayed(work.train_chunk)(*call) for call in calls)
        yield from finished


@contextmanager
def _user_code_by_value() -> Iterator[None]:
    """Send what the user's own files define as it is: other processes cannot import it by name.

    These are the files that a description names, and those beside them that they import.
    """
    from joblib.externals.loky import cloudpickle_wrapper

    cloudpickle: Any = sys.modules[cloudpickle_wrapper.dumps.__module__]  # joblib's own, if older
    files = {n: f for n, m in list(sys.modules.items()) if (f := getattr(m, "__file__", None))}
    folders = {Path(file).parent for name, file in files.items() if name.startswith(USER_CODE)}
    own = [sys.modules[name] for name, file in files.items() if Path(file).parent in folders]
    added = [m for m in own if m.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in added:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in added:
            cloudpickle.unregister_pickle_by_value(module)


def _join(chunks: Iterable[_Chunk], models: int) -> list[Target]:
    """Put chunks together; the error of the first model that failed is raised."""
    targets: list[Target] = []
    for chunk in chunks:
        targets += chunk.targets
        if chunk.error is not None:
            message = f"model {len(targets)} of {models}: {chunk.error}"
            raise type(chunk.error)(message) from chunk.error
    return targets


# ---- what processes share ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _EncodedTexts:
    """Texts as two arrays of numbers, which processes can map; objects would be copied to each."""

    letters: NDArray[np.uint8]
    ends: Ints
    y: Ints
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: Bools) -> Data:
        """Read the texts of some rows."""
        x = np.empty(int(rows.sum()), dtype=object)
        starts = np.concatenate([[0], self.ends[:-1]])
        for i, (start, end) in enumerate(zip(starts[rows], self.ends[rows], strict=True)):
            x[i] = self.letters[start:end].tobytes().decode("utf-8", "surrogatepass")
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Data(x=x, y=self.y[rows], columns=columns)


def _drop_metadata(data: TrainingRows, columns: Collection[str]) -> TrainingRows:
    """Leave out what is known of records beside the input: hardly any training looks at it."""
    return with_columns(data, columns) if isinstance(data, Data) else data


def _encode_texts(data: TrainingRows) -> TrainingRows:
    """Turn texts into numbers; joblib maps large arrays of numbers by itself."""
    if not isinstance(data, Data) or not all(isinstance(text, str) for text in data.x):
        return data
    encoded = [text.encode("utf-8", "surrogatepass") for text in data.x]
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return _EncodedTexts(letters, ends, data.y, data.columns)
