"""Learning from feedback: what one may give, who reviews it, and which version then serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from goalkeeper.core.application import Application, Feedback, Labeller, Target, Trainer
from goalkeeper.core.change import genuine
from goalkeeper.core.data import Bools, Data, Inputs, Ints, row_keys
from goalkeeper.core.errors import ChangeRefused, NotOffered
from goalkeeper.core.power import Grade, Power, View

__all__ = [
    "FeedbackBatch",
]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FeedbackBatch:
    """Feedback of one round: inputs `(m, ...)`, and the classes `(m,)` that are claimed for them.

    `bases` are the records the inputs were derived from, in the same order: whoever reviews a
    claim starts from them. An empty batch is a round in which nothing was said.
    """

    x: Inputs
    labels: Ints
    bases: Data

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def about(records: Data, labels: Ints) -> FeedbackBatch:
        """Claim classes `(m,)` for unchanged records."""
        return FeedbackBatch(x=records.x, labels=np.asarray(labels, dtype=np.int64), bases=records)


def most_a_round(feedback: Feedback, rows: int) -> int:
    """Count the records that one round of feedback takes, beside `rows` training records."""
    return int(feedback.share * rows * (1 + 1e-12))


def most_in_all(feedback: Feedback, rows: int, share: float) -> int:
    """Count the records that make up at most `share` of all that is trained on, over all rounds."""
    most = rows * feedback.rounds if share >= 1 else int(share / (1 - share) * rows * (1 + 1e-12))
    return min(most, feedback.rounds * most_a_round(feedback, rows))


def others_a_round(feedback: Feedback, rows: int) -> int:
    """Count the records of other users in one round, beside `rows` training records."""
    return round(feedback.others * rows)


def repeated(data: Data, times: int) -> Data:
    """Return so many copies of records, one copy after the other."""
    return data.take(np.tile(np.arange(len(data)), times))


def update_target(
    trainer: Trainer, target: Target, data: Data, seed: int, loop: Feedback
) -> Target:
    """Update the model that serves with the feedback of one round; without any, it stays.

    Raises
    ------
    NotOffered
        The model cannot be updated as the description says.
    """
    update = getattr(trainer, "update", None)
    if update is None:
        raise NotOffered("this application's model cannot be updated in place (feedback.learning)")
    updated: Target = update(target, data, seed, loop) if len(data) else target
    return updated


def honest_labels(batch: FeedbackBatch, labeller: Labeller | None) -> Ints:
    """Return what an honest person would say of each input, `(m,)`."""
    changed = [a != b for a, b in zip(row_keys(batch.x), row_keys(batch.bases.x), strict=True)]
    if not any(changed):
        return batch.bases.y
    if labeller is None:
        raise ChangeRefused(
            "feedback about changed inputs needs the application's honest labelling process, and "
            "it has none; describe one (labeller), or give feedback about unchanged records"
        )
    return np.where(changed, labeller(batch.x, batch.bases), batch.bases.y)


def check_batches(batches: Sequence[FeedbackBatch], app: Application, granted: Power) -> None:
    """Check feedback, one batch a round, against the declared loop and the granted share.

    Raises
    ------
    ChangeRefused
        Too many rounds or records, no class or no valid input, or inputs without their records,
        or records that are not the attacker's own as they are.
    """
    loop, rows = app.feedback, len(app.data.train)
    if loop is None or not loop.rounds:
        raise ChangeRefused("the application does not learn from feedback")
    if len(batches) > loop.rounds:
        raise ChangeRefused(f"{len(batches)} batches were given, there are {loop.rounds} rounds")
    each, most = most_a_round(loop, rows), most_in_all(loop, rows, granted.budget.share)
    for i, batch in enumerate(batches):
        if not len(batch.x) == len(batch.labels) == len(batch.bases):
            raise ChangeRefused(f"batch {i} needs one label and one base for each input")
        if len(batch) > each:
            raise ChangeRefused(f"batch {i} has {len(batch)} records, a round takes {each}")
        _check_content(i, batch, app)
    _check_bases(batches, app, granted)
    total = sum(len(batch) for batch in batches)
    if total > most:
        raise ChangeRefused(
            f"the feedback has {total} records, {granted.budget.share:.2%} of all that is trained "
            f"on are {most}; give less"
        )


def _check_content(i: int, batch: FeedbackBatch, app: Application) -> None:
    if len(batch) and not app.domain.valid(batch.x).all():
        raise ChangeRefused(f"batch {i} holds something that is not an input of this application")
    if len(batch) and not 0 <= batch.labels.min() <= batch.labels.max() < len(app.classes):
        raise ChangeRefused(
            f"batch {i} claims a class that is not one of the {len(app.classes)} classes"
        )


def _check_bases(batches: Sequence[FeedbackBatch], app: Application, granted: Power) -> None:
    """Refuse made-up bases: a review starts from their labels, and would confirm any lie."""
    given = [batch.bases for batch in batches if len(batch)]
    if given:
        full = granted.knowledge.data is Grade.FULL
        available = (app.data.similar, app.data.train) if full else (app.data.similar,)
        genuine(reduce(Data.joined, given), available)


def reviewed(sizes: Sequence[int], review: float, rng: np.random.Generator) -> list[Bools]:
    """Draw which records of batches of these sizes a person looks at."""
    return [rng.random(size) < review for size in sizes]


def served(right: Sequence[float], feedback: Feedback) -> tuple[Ints, int | None]:
    """Tell which version serves after each round, and the round of the alarm.

    Version 0 was there before; round r makes version r. The monitor compares each new version's
    share of right answers on its reference set with that of version 0. At an alarm learning
    stops; if versions are kept, the oldest of them is restored, since any later one may already
    have been taught.

    Parameters
    ----------
    right
        Share of right answers on the reference set of versions 0 to R.
    feedback
        The declared loop.

    Returns
    -------
    tuple
        The serving version after rounds 0 to R, `(R + 1,)`, and the round that raised the alarm.
    """
    serving = np.arange(len(right))
    if feedback.monitor is None:
        return serving, None
    for version in range(1, len(right)):
        if right[0] - right[version] > feedback.monitor + 1e-12:
            serving[version:] = restored(version, feedback)
            return serving, version
    return serving, None


def restored(version: int, feedback: Feedback) -> int:
    """Return the oldest version kept once `version` is there; itself if none are kept."""
    return max(0, version - feedback.snapshots)


def accuracy(target: Target, data: Data) -> float:
    """Share of records that a target classifies correctly."""
    return float((target.answer(data.x, View.LABELS).labels == data.y).mean())


@dataclass(frozen=True, eq=False)
class FeedbackOutcome:
    """What feedback made of an application so far: its batches, and a version for each round."""

    app: Application
    batches: tuple[FeedbackBatch, ...]
    learnt: Data
    versions: tuple[Target, ...]

    @staticmethod
    def start(app: Application) -> FeedbackOutcome:
        """Begin with what was there before any feedback."""
        return FeedbackOutcome(app, (), app.data.train.take(slice(0, 0)), (app.target,))

    def after(
        self, batch: FeedbackBatch, granted: Power, seed_sequence: np.random.SeedSequence
    ) -> FeedbackOutcome:
        """Review a batch and learn it as well, after the feedback of others in this round."""
        loop = self.app.feedback
        if loop is None or self.app.trainer is None:
            raise NotOffered(
                "no feedback loop that retrains the model is described (feedback, model.build)"
            )
        batches = (*self.batches, batch)
        check_batches(batches, self.app, granted)
        drawn, seed = seed_sequence.spawn(2)
        rng = np.random.default_rng(drawn)
        looked = rng.random(len(batch)) < loop.review
        labels = batch.labels
        if looked.any():
            labels = np.where(looked, honest_labels(batch, self.app.labeller), labels)
        similar, wanted = self.app.data.similar, others_a_round(loop, len(self.app.data.train))
        own = similar.take(rng.choice(len(similar), min(wanted, len(similar)), replace=False))
        lesson = Data(x=own.x, y=own.y).joined(Data(x=batch.x, y=labels))
        learnt = self.learnt.joined(lesson)
        version = self._next_version(lesson, learnt, int(seed.generate_state(1)[0]))
        return replace(self, batches=batches, learnt=learnt, versions=(*self.versions, version))

    def _next_version(self, lesson: Data, learnt: Data, seed: int) -> Target:
        app, loop, trainer = self.app, self.app.feedback, self.app.trainer
        if loop is None or trainer is None:
            return self.versions[-1]
        if loop.in_place:
            return update_target(trainer, self.versions[-1], lesson, seed, loop)
        train = Data(x=app.data.train.x, y=app.data.train.y)
        return trainer.fit(train.joined(repeated(learnt, loop.repeats)), seed)

    @property
    def serving(self) -> Target:
        """The version that answers now, as monitor and snapshots have it."""
        loop = self.app.feedback
        if loop is None or loop.monitor is None:
            return self.versions[-1]
        reference = self.app.data.calibration
        right = [accuracy(version, reference) for version in self.versions]
        return self.versions[int(served(right, loop)[0][-1])]
