"""Make the versions of an application that learns from feedback: retrained, or updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Feedback, Target, Trainer
from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.feedback import (
    FeedbackBatch,
    honest_labels,
    others_a_round,
    reviewed,
    update_target,
)
from goalkeeper.core.power import View
from goalkeeper.core.reference import TrainingSets
from goalkeeper.games.shared.retrainings import shared_trainings
from goalkeeper.training.kept import KeptTrainings

ATTACKED, HONEST = 0, 1  # the two worlds
Answers = tuple[Ints, Ints]  # to the holdout and the reference inputs


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Lessons:
    """What is learnt in each round of each campaign, in both worlds.

    `records` holds the feedback as claimed, then as review would label it, then similar records;
    `rounds[world][campaign][round]` are places among them, in the order in which they come.
    """

    records: Data
    rounds: tuple[tuple[tuple[Ints, ...], ...], ...]
    corrected: Ints

    @staticmethod
    def of(
        app: Application,
        batches: Sequence[FeedbackBatch],
        loop: Feedback,
        draws: tuple[int, np.random.Generator],
    ) -> Lessons:
        """Draw reviews, and what honest people say."""
        campaigns, rng = draws
        sizes = [len(batch) for batch in batches]
        total, similar = sum(sizes), app.data.similar
        claimed = np.concatenate([batch.labels for batch in batches])
        truth = claimed
        if loop.review:
            truth = np.concatenate([honest_labels(batch, app.labeller) for batch in batches])
        looked = np.zeros((campaigns, total), dtype=bool)
        if loop.review:
            looked = np.stack(
                [np.concatenate(reviewed(sizes, loop.review, rng)) for _ in range(campaigns)]
            )
        x = np.concatenate([batch.x for batch in batches])
        records = Data(x=x, y=claimed)
        for part in (Data(x=x, y=truth), Data(x=similar.x, y=similar.y)):
            records = records.joined(part)
        others = others_a_round(loop, len(app.data.train))
        attacked, honest = [], []
        for campaign in range(campaigns):
            # The same people speak in both worlds; in the honest one, more of them.
            drawn = 2 * total + rng.permutation(len(similar))
            twins, theirs = drawn[:total], np.resize(drawn[total:], others * len(sizes))
            if not len(drawn[total:]):
                theirs = np.resize(drawn, others * len(sizes))
            said = np.arange(total) + total * looked[campaign]
            attacked.append(_join(_cut(theirs, [others] * len(sizes)), _cut(said, sizes)))
            honest.append(_join(_cut(theirs, [others] * len(sizes)), _cut(twins, sizes)))
        wrong = (looked & (claimed != truth)).sum(axis=1)
        rounds = (tuple(attacked), tuple(honest))
        return Lessons(records=records, rounds=rounds, corrected=wrong)

    def masks(self) -> Bools:
        """Tell which records each version has learnt, `(2, C, R + 1, records)`."""
        campaigns, rounds = len(self.rounds[0]), len(self.rounds[0][0])
        masks = np.zeros((2, campaigns, rounds + 1, len(self.records)), dtype=bool)
        for world, campaign, r in np.ndindex(2, campaigns, rounds):
            # A record is learnt by every version from its round on.
            masks[world, campaign, r + 1 :, self.rounds[world][campaign][r]] = True
        return masks


def _cut(rows: Ints, sizes: Sequence[int]) -> list[Ints]:
    """Cut rows into rounds of these sizes; the last ones are short where rows are few."""
    ends = np.cumsum([0, *sizes])
    return [rows[a:b] for a, b in pairwise(ends.tolist())]


def _join(first: list[Ints], second: list[Ints]) -> tuple[Ints, ...]:
    return tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))


# ---- retrained on everything ---------------------------------------------------------------------


def retrain_versions(
    app: Application, lessons: Lessons, clean: Bools, seeds: Sequence[int]
) -> Answers:
    """Train all versions from scratch and ask each; `(2, C, R + 1, inputs)`."""
    loop, _ = _loop_of(app)
    masks = lessons.masks()
    worlds, campaigns, versions = masks.shape[:3]
    # Versions differ from the one before where feedback came; version 0 is the same in both.
    changes = (masks[:, 0, 1:] != masks[:, 0, :-1]).any(axis=-1)
    fresh = np.hstack([np.array([[True], [False]]), changes])
    copies = np.tile(np.arange(len(lessons.records)), loop.repeats)
    union = Data(x=app.data.train.x, y=app.data.train.y).joined(lessons.records.take(copies))
    trained = np.argwhere(fresh)
    rows = [np.hstack([clean, masks[world, :, v][:, copies]]) for world, v in trained]
    ensembles = _train(
        app, clean, TrainingSets(data=union, masks=np.concatenate(rows), seeds=seeds)
    )
    place = np.cumsum(fresh.reshape(-1)).reshape(worlds, versions) - 1
    # Before its first feedback a world serves version 0, which only the first world trained.
    place = np.where(np.cumsum(fresh, axis=1) > 0, place, 0)

    def unfold(part: Data) -> Ints:
        labels = np.concatenate([ensemble.labels(part.x) for ensemble in ensembles])
        labels = labels.reshape(-1, campaigns, len(part))
        return np.asarray(labels[place].transpose(0, 2, 1, 3))

    return unfold(app.data.holdout), unfold(app.data.calibration)


def _train(app: Application, clean: Bools, sets: TrainingSets) -> tuple[Ensemble, ...]:
    """Train versions `(versions * C, rows)`, of which the first C are clean; C seeds for each.

    Clean ones are the same for every attack: they are trained once.
    """
    (_, trainer), seeds, campaigns = _loop_of(app), list(sets.seeds), len(clean)
    kept, versions = shared_trainings(app), len(sets.masks) // campaigns
    if kept is None or versions == 1:
        return (trainer.fit_many(sets.data, sets.masks, seeds * versions),)
    first = kept.trained(trainer, TrainingSets(data=app.data.train, masks=clean, seeds=seeds))
    masks = sets.masks[campaigns:]
    return first, trainer.fit_many(sets.data, masks, seeds * (versions - 1))


# ---- updated in place ----------------------------------------------------------------------------


def update_versions(
    app: Application, lessons: Lessons, clean: Bools, seeds: Sequence[int]
) -> Answers:
    """Train what each campaign starts from, update it round by round, and ask each version."""
    loop, trainer = _loop_of(app)
    sets = TrainingSets(data=app.data.train, masks=clean, seeds=seeds)
    starts = app.once(KeptTrainings).trained(trainer, sets)  # all of them clean
    parts = (app.data.holdout, app.data.calibration)
    shape = (2, len(seeds), loop.rounds + 1)
    answers = tuple(np.zeros((*shape, len(part)), dtype=np.int64) for part in parts)

    def ask(version: Target, place: tuple[int, int, int]) -> None:
        for said, part in zip(answers, parts, strict=True):
            said[place] = version.answer(part.x, View.LABELS).labels

    for campaign, seed in enumerate(seeds):
        draws = np.random.default_rng(seed).integers(2**31 - 1, size=loop.rounds).tolist()
        start = starts.target(campaign)
        for world in (ATTACKED, HONEST):
            version = start
            ask(version, (world, campaign, 0))
            for r, rows in enumerate(lessons.rounds[world][campaign]):
                lesson = lessons.records.take(rows)
                version = update_target(trainer, version, lesson, draws[r], loop)
                ask(version, (world, campaign, r + 1))
    return answers[0], answers[1]


def _loop_of(app: Application) -> tuple[Feedback, Trainer]:
    if app.feedback is None or app.trainer is None:
        raise NotOffered("no feedback loop is described (feedback, model.build)")
    return app.feedback, app.trainer
