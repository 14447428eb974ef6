"""Retrain the victim many times: clean, on every dose, and on an honest contribution, in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Ensemble, Trainer
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.games.poisoning.change import Dose


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


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HonestContribution:
    """What happens without an attacker: records `extra` come, and rows `removed` `(rows,)` go."""

    extra: Data
    removed: Bools


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RetrainedVictims:
    """Retrained targets: 0 is clean, then one for each dose, the last got honest records."""

    ensemble: Ensemble
    retrainings: int

    @property
    def final(self) -> int:
        """Index of the largest dose."""
        return len(self.ensemble) // self.retrainings - 2

    def labels(self, x: Inputs) -> Ints:
        """Classes `(victims, S, n)`."""
        answers = self.ensemble.labels(x)
        return np.asarray(answers.reshape(-1, self.retrainings, len(x)))


def retrain(
    trainer: Trainer,
    train: Data,
    doses: Sequence[Dose],
    honest: HonestContribution,
    draws: RetrainingDraws,
    kept: float,
) -> RetrainedVictims:
    """Train everything in one `fit_many` over the union of clean, contributed and honest records.

    A contributed record is collected with probability `kept` like any other, so that the share
    stays what it is; a changed row is collected if and only if the clean row was.
    """
    retrainings, rows = draws.kept.shape
    most = max([len(honest.extra), *(dose.added for dose in doses)])
    arrived = draws.late.random((retrainings, most)) < kept
    blocks = [
        np.hstack([arrived[:, : dose.added], draws.kept[:, dose.origin]]) for dose in doses
    ] + [arrived[:, : len(honest.extra)]]
    clean = [np.zeros(rows, dtype=bool), *(d.removed for d in doses), honest.removed]
    ends = rows + np.cumsum([0, *(block.shape[1] for block in blocks)])
    masks = np.zeros((len(clean), retrainings, ends[-1]), dtype=bool)
    for victim, removed in enumerate(clean):
        masks[victim, :, :rows] = draws.kept & ~removed
    for i, block in enumerate(blocks):
        masks[i + 1, :, ends[i] : ends[i + 1]] = block
    union = Data(x=train.x, y=train.y)
    for extra in [dose.extra for dose in doses] + [honest.extra]:
        union = union.joined(Data(x=extra.x, y=extra.y))
    ensemble = trainer.fit_many(union, masks.reshape(-1, ends[-1]), list(draws.seeds) * len(clean))
    return RetrainedVictims(ensemble=ensemble, retrainings=retrainings)
