"""Retrain the victim many times: clean, on every dose, and on an honest contribution, in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from goalkeeper.core.application import Ensemble, Target, Trainer
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.core.reference import Trainings, TrainingSets
from goalkeeper.core.retrained import columns_read_by, with_columns
from goalkeeper.training.dispatch import trains_one_by_one

UNANSWERED = -1  # instead of a class, where a model raises an error on an input


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RetrainingDraws:
    """The random draws of each retraining: the same for clean and poisoned, and for every attack.

    Parameters
    ----------
    kept
        Which clean rows were collected, `(S, rows)`.
    seeds
        Seed of each retraining, `(S,)`.
    judge
        Which of the S retrainings judges each holdout input, `(holdout,)`; as even as can be.
    late
        What is drawn for contributed records; apart, since their number differs by attack.
    """

    kept: Bools
    seeds: tuple[int, ...]
    judge: Ints
    late: np.random.Generator


def draw_retrainings(
    victim: np.random.SeedSequence, sizes: tuple[int, int], retrainings: int, kept: float
) -> RetrainingDraws:
    """Draw what varies in S retrainings for `sizes` = (training rows, holdout rows)."""
    rows, holdout = sizes
    rng = np.random.default_rng(victim)
    late = rng.spawn(1)[0]
    return RetrainingDraws(
        kept=rng.random((retrainings, rows)) < kept,
        seeds=tuple(int(s) for s in rng.integers(0, 2**31 - 1, retrainings)),
        judge=rng.permutation(holdout) % retrainings,
        late=late,
    )


class Contributed(Protocol):
    """What comes to the training data and what goes from it; see `Dose`."""

    @property
    def removed(self) -> Bools:
        """Clean rows that are left out, `(rows,)`."""
        ...

    @property
    def extra(self) -> Data:
        """Records that are put in: first the added ones, then what `origin` rows became."""
        ...

    @property
    def added(self) -> int:
        """Number of the added ones."""
        ...

    @property
    def origin(self) -> Ints:
        """The clean row each changed record comes from."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HonestContribution:
    """What happens without an attacker: records `extra` come, and rows `removed` `(rows,)` go."""

    extra: Data
    removed: Bools

    @property
    def added(self) -> int:
        """Number of records that come."""
        return len(self.extra)

    @property
    def origin(self) -> Ints:
        """No record is changed."""
        return np.empty(0, dtype=np.int64)

    @staticmethod
    def nothing(train: Data) -> HonestContribution:
        """Return the contribution after which the training data is clean."""
        return HonestContribution(
            extra=train.take(slice(0, 0)), removed=np.zeros(len(train), dtype=bool)
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RetrainedVictims:
    """Retrained targets, S for each contribution, in the order of `ensembles`."""

    ensembles: tuple[Ensemble, ...]
    retrainings: int

    def labels(self, x: Inputs) -> Ints:
        """Classes `(victims, S, n)`, and `UNANSWERED` where a victim raises an error."""
        answers = np.concatenate([_labels_of(ensemble, x) for ensemble in self.ensembles])
        return np.asarray(answers.reshape(-1, self.retrainings, len(x)))

    def labels_beside_clean(self, x: Inputs) -> Ints:
        """Classes `(victims, S, n)` of victims the first of which are clean.

        Raises
        ------
        TargetError
            The clean ones answer nothing: what fails is the application, and no poison.
        """
        labels = self.labels(x)
        if labels.size and (labels[0] == UNANSWERED).all():
            self.ensembles[0].labels(x)  # raises what they raised
        return labels


def _labels_of(ensemble: Ensemble, x: Inputs) -> Ints:
    """Classes `(N, n)` of N models; what one of them raises costs that model that input only.

    A poisoned model may raise errors that the clean one does not, as an encoder does at a category
    that was deleted from its data. An application that gives no answer harms its users, too.
    """
    try:
        return ensemble.labels(x)
    except TargetError:
        return np.stack([_labels_one_by_one(ensemble.target(i), x) for i in range(len(ensemble))])


def _labels_one_by_one(target: Target, x: Inputs) -> Ints:
    """Classes `(n,)`: halves of what is refused are asked again, down to single inputs."""
    try:
        return target.answer(x, View.LABELS).labels
    except TargetError:
        if len(x) < 2:
            return np.full(len(x), UNANSWERED)
    middle = len(x) // 2
    return np.concatenate([_labels_one_by_one(target, part) for part in (x[:middle], x[middle:])])


def draw_arrivals(draws: RetrainingDraws, most: int, kept: float) -> Bools:
    """Draw which of up to `most` contributed records are collected, `(S, most)`.

    A contributed record is collected with probability `kept` like any other, so that the share
    stays what it is.
    """
    return np.asarray(draws.late.random((len(draws.seeds), most)) < kept)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Retraining:
    """How victims are retrained: S times on each contribution to the training data.

    Parameters
    ----------
    trainer, train
        The recipe, and the clean training data.
    draws
        What varies between the S retrainings.
    arrived
        Which of the added records of any contribution are collected, `(S, most)`; a changed row
        is collected if and only if the clean row was.
    trainings
        Keeps what does not depend on the attack. None where what a contribution makes of a victim
        depends on the others that are trained beside it.
    """

    trainer: Trainer
    train: Data
    draws: RetrainingDraws
    arrived: Bools
    trainings: Trainings | None

    def on(self, *contributed: Contributed) -> RetrainedVictims:
        """Train on each contribution, in one call."""
        sets = self._sets(contributed)
        return self._victims(self.trainer.fit_many(sets.data, sets.masks, sets.seeds))

    def on_all(self, doses: Sequence[Contributed]) -> RetrainedVictims:
        """Train on the clean data and on each dose, in this order.

        The first are the same for every attack: they are trained once. So is a dose that comes
        again, as the largest one does at the second look; where models are trained together, that
        would cost more than it saves.
        """
        clean = HonestContribution.nothing(self.train)
        if self.trainings is None:
            return self.on(clean, *doses)
        if self._keeps_doses():
            return self._victims(*map(self._kept, (clean, *doses)))
        return self._victims(self._kept(clean), *self.on(*doses).ensembles)

    def on_honest(self, honest: Contributed) -> RetrainedVictims:
        """Train on what comes without an attacker, which are the last victims.

        Once for all attacks that contribute as much; where victims are compared with those that
        are trained beside them, beside clean ones.
        """
        if self.trainings is None:
            return self.on(HonestContribution.nothing(self.train), honest)
        return self._victims(self._kept(honest))

    def _kept(self, contributed: Contributed) -> Ensemble:
        if self.trainings is None:
            raise ValueError("nothing is kept where victims depend on one another")
        return self.trainings.trained(self.trainer, self._sets([contributed]))

    def _keeps_doses(self) -> bool:
        """Tell whether the victims of each dose are trained apart, at no more cost than together.

        Where a few processes share the work, those of one dose must be enough for all of them.
        """
        jobs: int = getattr(getattr(self.trainer, "compute", None), "jobs", 1)
        shared = jobs == 1 or len(self.draws.seeds) >= 2 * jobs
        return trains_one_by_one(self.trainer) and shared

    def _victims(self, *ensembles: Ensemble) -> RetrainedVictims:
        return RetrainedVictims(ensembles=ensembles, retrainings=len(self.draws.seeds))

    def _sets(self, contributed: Sequence[Contributed]) -> TrainingSets:
        """Mark which of all records, clean ones and contributions, each victim is trained on."""
        draws, train = self.draws, self.train
        retrainings, rows = draws.kept.shape
        blocks = [
            np.hstack([self.arrived[:, : c.added], draws.kept[:, c.origin]]) for c in contributed
        ]
        ends = rows + np.cumsum([0, *(block.shape[1] for block in blocks)])
        masks = np.zeros((len(contributed), retrainings, ends[-1]), dtype=bool)
        columns = columns_read_by(self.trainer)
        union = with_columns(train, columns)
        for i, (each, block) in enumerate(zip(contributed, blocks, strict=True)):
            masks[i, :, :rows] = draws.kept & ~each.removed
            masks[i, :, ends[i] : ends[i + 1]] = block
            union = union.joined(with_columns(each.extra, columns))
        seeds = list(draws.seeds) * len(contributed)
        return TrainingSets(data=union, masks=masks.reshape(-1, ends[-1]), seeds=seeds)
