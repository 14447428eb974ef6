"""Replay an attacker's feedback over many campaigns, each beside one with honest feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Feedback, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.feedback import FeedbackBatch, honest_labels, restored, reviewed, served

ATTACKED, HONEST = 0, 1  # the two worlds


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CampaignReplay:
    """The results of C campaigns of R rounds in two worlds: feedback of the attacker, and honest.

    Parameters
    ----------
    labels
        Answers of every version to the holdout inputs, `(2, C, R + 1, holdout)`; version 0 was
        there before the campaign and is the same in both worlds.
    right
        Share of right answers of every version on the reference set, `(2, C, R + 1)`.
    serving
        The version that serves after each round, `(2, C, R + 1)`.
    noticed
        The round of the alarm, `(2, C)`; -1 where there was none.
    written
        Records the attacker contributed up to each round, `(R + 1,)`.
    corrected
        How many of them review relabelled, `(C,)`.
    """

    app: Application
    loop: Feedback
    labels: Ints
    right: Floats
    serving: Ints
    noticed: Ints
    written: Ints
    corrected: Ints

    @property
    def rounds(self) -> int:
        """Number of rounds."""
        return len(self.written) - 1

    def answers(self, world: int, after: int) -> Ints:
        """Answers `(C, holdout)` of the version that serves after a round."""
        campaigns = np.arange(self.labels.shape[1])
        return np.asarray(self.labels[world, campaigns, self.serving[world, :, after]])

    def rolled_back(self, world: int) -> Ints:
        """Answers `(C, holdout)` after the oldest version that is kept was restored at the end.

        Where an alarm restored one before, and learning stopped, that one serves already.
        """
        last = restored(self.rounds, self.loop) if self.loop.snapshots else self.rounds
        campaigns = np.arange(self.labels.shape[1])
        version = np.where(self.noticed[world] >= 0, self.serving[world, :, -1], last)
        return np.asarray(self.labels[world, campaigns, version])

    def share(self, after: int) -> float:
        """Share of all training records that the attacker wrote up to a round."""
        written = int(self.written[after])
        return written / (len(self.app.data.train) + written)


def replay_campaigns(
    app: Application,
    batches: Sequence[FeedbackBatch],
    seed: np.random.SeedSequence,
    campaigns: int,
    kept: float,
) -> CampaignReplay:
    """Train every version of every campaign in both worlds in one call, and monitor them.

    Each campaign collects its own clean records (each with probability `kept`), has its own seed
    and its own review; the honest world of a campaign shares all but the feedback, which is as
    many records a round, drawn from similar data, with their true classes. Training always
    starts from scratch, so a version depends on the feedback so far and not on earlier versions.
    """
    loop, trainer = app.feedback, app.trainer
    if loop is None or trainer is None:
        raise NotOffered(
            "no feedback loop that retrains the model is described (feedback, model.build)"
        )
    batches = [*batches, *[_empty_batch(app)] * (loop.rounds - len(batches))]
    rng = np.random.default_rng(seed)
    clean = rng.random((campaigns, len(app.data.train))) < kept
    seeds = [int(s) for s in rng.integers(0, 2**31 - 1, campaigns)]
    late = rng.spawn(1)[0]  # what depends on the number of records comes from another stream
    records = _TrainingRecords.of(app, batches, loop, (campaigns, late))
    versions = _train(trainer, records, clean, seeds)
    labels, reference = (
        records.unfold(versions.labels(part.x)) for part in (app.data.holdout, app.data.calibration)
    )
    right = (reference == app.data.calibration.y).mean(axis=-1)
    serving, noticed = _monitor(right, loop)
    written = np.cumsum([0, *(len(batch) for batch in batches)])
    return CampaignReplay(
        app=app,
        loop=loop,
        labels=labels,
        right=right,
        serving=serving,
        noticed=noticed,
        written=written,
        corrected=records.corrected,
    )


def _empty_batch(app: Application) -> FeedbackBatch:
    return FeedbackBatch.about(app.data.train.take(slice(0, 0)), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _TrainingRecords:
    """All records there are, and which of them each version learns from.

    `union` holds the training data, then the feedback as claimed, then as review would label it,
    then similar records; `masks` is `(2, C, R + 1, union)` without the training data.
    """

    union: Data
    masks: Bools
    corrected: Ints

    @staticmethod
    def of(
        app: Application,
        batches: Sequence[FeedbackBatch],
        loop: Feedback,
        draws: tuple[int, np.random.Generator],
    ) -> _TrainingRecords:
        campaigns, rng = draws
        sizes = [len(batch) for batch in batches]
        total, rounds = sum(sizes), len(sizes)
        claimed = np.concatenate([batch.labels for batch in batches])
        truth = claimed
        if loop.review:
            truth = np.concatenate([honest_labels(batch, app.labeller) for batch in batches])
        is_reviewed = np.zeros((campaigns, total), dtype=bool)
        if loop.review:
            is_reviewed = np.stack(
                [np.concatenate(reviewed(sizes, loop.review, rng)) for _ in range(campaigns)]
            )
        similar = app.data.similar
        x = np.concatenate([batch.x for batch in batches])
        union = Data(x=app.data.train.x, y=app.data.train.y)
        for part in (Data(x=x, y=claimed), Data(x=x, y=truth), Data(x=similar.x, y=similar.y)):
            union = union.joined(part)
        masks = np.zeros((2, campaigns, rounds + 1, 2 * total + len(similar)), dtype=bool)
        # A record is learnt by every version from its round on.
        learnt = np.arange(rounds + 1)[:, None] > np.repeat(np.arange(rounds), sizes)
        masks[ATTACKED, :, :, :total] = learnt & ~is_reviewed[:, None]
        masks[ATTACKED, :, :, total : 2 * total] = learnt & is_reviewed[:, None]
        wanted = min(total, len(similar))
        for campaign in range(campaigns):
            drawn = 2 * total + rng.choice(len(similar), wanted, replace=False)
            masks[HONEST, campaign][:, drawn] = learnt[:, :wanted]
        wrong = (is_reviewed & (claimed != truth)).sum(axis=1)
        return _TrainingRecords(union=union, masks=masks, corrected=wrong)

    @property
    def fresh(self) -> Bools:
        """Which versions differ from the one before, `(2, R + 1)`; version 0 counts once."""
        changes = (self.masks[:, 0, 1:] != self.masks[:, 0, :-1]).any(axis=-1)
        first = np.array([[True], [False]])
        return np.hstack([first, changes])

    def unfold(self, labels: Ints) -> Ints:
        """Give every version its answers: `(fresh versions * C, n)` to `(2, C, R + 1, n)`."""
        worlds, campaigns, versions = self.masks.shape[:3]
        trained = labels.reshape(-1, campaigns, labels.shape[1])
        place = np.cumsum(self.fresh.reshape(-1)).reshape(worlds, versions) - 1
        start = np.zeros_like(place)
        # Before its first feedback a world serves version 0, which only the first world trained.
        begun = np.cumsum(self.fresh, axis=1) > 0
        return np.asarray(trained[np.where(begun, place, start)].transpose(0, 2, 1, 3))


def _train(trainer: Trainer, records: _TrainingRecords, clean: Bools, seeds: list[int]) -> Ensemble:
    fresh = np.argwhere(records.fresh)
    masks = np.concatenate(
        [np.hstack([clean, records.masks[world, :, version]]) for world, version in fresh]
    )
    return trainer.fit_many(records.union, masks, seeds * len(fresh))


def _monitor(right: Floats, loop: Feedback) -> tuple[Ints, Ints]:
    """Return the serving versions `(2, C, R + 1)` and the round of the alarm `(2, C)`, or -1."""
    serving = np.zeros(right.shape, dtype=np.int64)
    noticed = np.full(right.shape[:2], -1)
    for world, campaign in np.ndindex(*right.shape[:2]):
        serving[world, campaign], alarm = served(right[world, campaign].tolist(), loop)
        noticed[world, campaign] = -1 if alarm is None else alarm
    return serving, noticed
