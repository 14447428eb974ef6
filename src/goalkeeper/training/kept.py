"""Trainings that are wanted more than once: made once, and kept as what the models answered.

Models of many records are large and what attacks ask of them is not: so answers are kept, in
memory and in the store, and models only in memory, as long as they fit. Models that were let go are
trained again from their seeds when somebody asks something new.

Processes with one store share the work: what one of them is training the others leave to it, train
what is next, and wait for it at the end. Without a store, or where its file system has no locks,
two may train the same; entries are written whole, and either is as good.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from goalkeeper.compute.store import About, Store
from goalkeeper.core.application import Application, Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, fingerprint
from goalkeeper.core.errors import StoreError
from goalkeeper.core.identity import content_of_trainer
from goalkeeper.core.readonly import private_copy
from goalkeeper.core.reference import EachTime, TrainingSets
from goalkeeper.core.retrained import columns_read_by, with_columns
from goalkeeper.training.dispatch import FitStrategy, trains_one_by_one
from goalkeeper.training.sizes import measure_bytes

Value = TypeVar("Value")
# Shares of `compute.memory` that may be taken by answers, by models, and by those trained alone.
ANSWERS_SHARE, MODELS_SHARE, ALONE_SHARE = 4, 2, 8
FEW = 4  # models that are trained and asked at a time where each is trained alone


@runtime_checkable
class RewritesAnswers(Protocol):
    """A trainer whose models only change what those of another trainer answer."""

    @property
    def rewritten(self) -> Trainer | None:
        """The other trainer; None where these models differ in more."""
        ...

    def rewrite(self, confidences: Floats, asked: Data, seen: Bools, classes: int) -> Floats:
        """Turn confidences `(N, n, 2)` of its models into those of the changed models.

        `seen` `(N, n)` says which model was trained on which of the records asked.
        """
        ...


@dataclass(frozen=True, eq=False, slots=True)
class _Wanted:
    """Answers that are wanted: their key, whether it says all, and what computes them."""

    key: str
    identified: bool
    compute: Callable[[], NDArray[Any]]


class KeptTrainings:
    """The trainings of one application, kept for all that ask for the same.

    By recipe, records, subsets and seeds; `app.once(KeptTrainings)` makes it. What it returns does
    not depend on what was kept.
    """

    def __init__(self, app: Application) -> None:
        compute = app.compute
        self.classes, self._memory = len(app.classes), compute.memory
        self._store = Store(Path(compute.store)) if compute.store else None
        networks = {} if compute.networks is None else asdict(compute.networks)
        code = {name: said for name, said in app.hashes.items() if name.endswith(".py")}
        self._setting = fingerprint(compute.arithmetic, networks, code)
        self._answers: Bounded[NDArray[Any]] = Bounded(self._memory // ANSWERS_SHARE)
        self._models: Bounded[Ensemble] = Bounded(self._memory // MODELS_SHARE)
        self._alone: Bounded[Target] = Bounded(self._memory // ALONE_SHARE)
        self._owners: list[Trainer] = []  # whose identity is part of keys
        self._records: tuple[Data, str] | None = None  # the latest, with its hash

    def trained(self, trainer: Trainer, sets: TrainingSets) -> Ensemble:
        """Return models that are trained when something is asked that is not kept."""
        return KeptEnsemble(self, trainer, sets, self._key(trainer, sets))

    def confidences(
        self, trainer: Trainer, chunks: Sequence[TrainingSets], asked: int
    ) -> list[Floats]:
        """Return what the models of each chunk say of the first `asked` rows, `(N, asked, 2)`."""
        if isinstance(trainer, RewritesAnswers) and trainer.rewritten is not None:
            inner = self.confidences(trainer.rewritten, chunks, asked)
            return [
                trainer.rewrite(
                    said, sets.data.take(slice(0, asked)), sets.masks[:, :asked], self.classes
                )
                for said, sets in zip(inner, chunks, strict=True)
            ]
        cut = [_cut(trainer, sets) for sets in chunks]
        each_time = EachTime(self.classes, self._memory)
        wanted = [
            _Wanted(
                fingerprint(self._key(trainer, part), "confidences", asked),
                _identified(trainer),
                partial(each_time.ask, trainer, part, asked),
            )
            for parts in cut
            for part in parts
        ]
        said = iter(self._share_out(wanted))
        return [np.concatenate([next(said) for _ in parts]) for parts in cut]

    def alone(self, trainer: Trainer, data: Data, seed: int) -> Target:
        """Return one model, trained by itself; kept in memory as long as it fits."""
        masks = np.ones((1, len(data)), dtype=bool)
        sets = TrainingSets(data=data, masks=masks, seeds=[seed])
        key = fingerprint(self._key(trainer, sets), "alone")
        found = self._alone.get(key)
        if found is None:
            found = getattr(trainer, "fit_cached", trainer.fit)(data, seed)
            self._alone.put(key, found, measure_bytes(found))
        return found

    def recall(
        self, key: str, trainer: Trainer, compute: Callable[[], NDArray[Any]]
    ) -> NDArray[Any]:
        """Return the answers of this key, as a copy: from memory, the store, or computed."""
        (found,) = self._share_out([_Wanted(key, _identified(trainer), compute)])
        return private_copy(found)

    def _share_out(self, wanted: Sequence[_Wanted]) -> list[NDArray[Any]]:
        """Find or compute answers; first those that no other process is computing."""
        found = [self._find(each, wait=False) for each in wanted]
        return [
            self._find(each, wait=True) if said is None else said
            for each, said in zip(wanted, found, strict=True)
        ]

    def _find(self, wanted: _Wanted, *, wait: bool) -> Any:
        """Return answers; None where another process computes them and this one is not to wait."""
        key, store = wanted.key, self._store if wanted.identified else None
        found = self._answers.get(key)
        if found is None and store is None:
            found = wanted.compute()
        elif found is None and store is not None:
            found = _read(store, key)
            found = _compute(store, wanted, wait=wait) if found is None else found
        if found is not None:
            self._answers.put(key, found, found.nbytes)
        return found

    def models(self, key: str, trainer: Trainer, sets: TrainingSets) -> Ensemble:
        """Return the models of this key: those that are kept, or trained now."""
        found = self._models.get(key)
        if found is None:
            found = trainer.fit_many(sets.data, sets.masks, sets.seeds)
            self._models.put(key, found, measure_bytes(found))
        return found

    def _key(self, trainer: Trainer, sets: TrainingSets) -> str:
        recipe = [content_of_trainer(trainer)]
        if not _identified(trainer):
            if not any(trainer is known for known in self._owners):
                self._owners.append(trainer)  # so that no other object gets its identity
            recipe.append(id(trainer))
        columns = with_columns(sets.data, columns_read_by(trainer)).columns
        read = [columns] if columns else []
        return fingerprint(
            self._setting, recipe, self._hash(sets.data), sets.masks, list(sets.seeds), *read
        )

    def _hash(self, data: Data) -> str:
        if self._records is None or self._records[0] is not data:
            self._records = data, fingerprint(data.x, data.y)
        return self._records[1]


@dataclass(frozen=True, eq=False, slots=True)
class KeepingTrainer:
    """A recipe of which single models are kept, for whoever is not metered."""

    trainer: Trainer
    trainings: KeptTrainings

    @property
    def recipe(self) -> str:
        """What the trainer does, in words."""
        return self.trainer.recipe

    def fit(self, data: Data, seed: int) -> Target:
        """Train one model."""
        return self.trainer.fit(data, seed)

    def fit_kept(self, data: Data, seed: int) -> Target:
        """Train one model, or find what an attack trained of the same."""
        return self.trainings.alone(self.trainer, data, seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train a model on each subset `(models, rows)`."""
        return self.trainer.fit_many(data, masks, seeds)


@dataclass(frozen=True, eq=False)
class KeptEnsemble:
    """Models of one training, which are there only when something new is asked of them."""

    kept: KeptTrainings
    trainer: Trainer
    sets: TrainingSets
    key: str
    _there: list[Ensemble] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sets.masks)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        found: Floats = self._answer("scores", x)
        return found

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        found: Ints = self._answer("labels", x)
        return found

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return self._models().target(i)

    def _answer(self, what: str, x: Inputs) -> Any:
        key = fingerprint(self.key, what, x)
        return self.kept.recall(key, self.trainer, lambda: getattr(self._models(), what)(x))

    def _models(self) -> Ensemble:
        """Train at most once for this object, however little may be kept beside it."""
        if not self._there:
            self._there.append(self.kept.models(self.key, self.trainer, self.sets))
        return self._there[0]


class Bounded(Generic[Value]):
    """Values by key, as many as fit; the longest unused are let go first."""

    def __init__(self, most: int) -> None:
        self._most, self._used = most, 0
        self._kept: OrderedDict[str, tuple[Value, int]] = OrderedDict()

    def get(self, key: str) -> Value | None:
        """Return the value, or None."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: str, value: Value, size: int) -> None:
        """Keep a value of so many bytes, unless it alone is too large."""
        if key in self._kept or size > self._most:
            return
        self._kept[key] = value, size
        self._used += size
        while self._used > self._most:
            _, (_, freed) = self._kept.popitem(last=False)
            self._used -= freed


def _identified(trainer: Trainer) -> bool:
    """Tell whether the recipe says all: of a trainer of ours, not of one that wraps another."""
    return isinstance(getattr(trainer, "strategy", None), FitStrategy)


def _cut(trainer: Trainer, sets: TrainingSets) -> list[TrainingSets]:
    """Cut training sets into a few at a time, where each model is trained alone.

    That takes less memory, and other processes can train the others meanwhile.
    """
    jobs: int = getattr(getattr(trainer, "compute", None), "jobs", 1)
    size = FEW * jobs if trains_one_by_one(trainer) else max(1, len(sets.masks))
    return [
        TrainingSets(data=sets.data, masks=sets.masks[i : i + size], seeds=sets.seeds[i : i + size])
        for i in range(0, len(sets.masks), size)
    ]


def _read(store: Store, key: str) -> NDArray[Any] | None:
    return (store.get_arrays(key) or {}).get("answers")


def _compute(store: Store, wanted: _Wanted, *, wait: bool) -> NDArray[Any] | None:
    """Compute and store answers, unless another process does; then None, or wait for it."""
    with store.computing(wanted.key, wait=wait) as ours:
        found = _read(store, wanted.key) if ours else None
        if found is not None or not ours:
            return found
        found = wanted.compute()
        try:
            store.put_arrays(
                wanted.key, {"answers": found}, About(attack="answers of trained models")
            )
        except StoreError as error:
            warnings.warn(f"answers of trained models are not kept: {error}", stacklevel=5)
        return found
