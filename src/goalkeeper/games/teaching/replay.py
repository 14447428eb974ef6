"""Play a teacher's feedback over many campaigns, each beside one that got honest feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Ensemble, Feedback, Trainer
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.feedback import Lesson, honest_labels, restored, reviewed, served

TAUGHT, HONEST = 0, 1  # the two worlds


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Replay:
    """What C campaigns of R rounds did, in two worlds: taught by the attacker, and by honest users.

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
        Records the attacker gave up to each round, `(R + 1,)`.
    corrected
        How many of them review set right, `(C,)`.
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
        """Answers `(C, holdout)` once the oldest version that is kept was restored at the end.

        Where an alarm restored one before, and learning stopped, that one serves already.
        """
        last = restored(self.rounds, self.loop) if self.loop.snapshots else self.rounds
        campaigns = np.arange(self.labels.shape[1])
        version = np.where(self.noticed[world] >= 0, self.serving[world, :, -1], last)
        return np.asarray(self.labels[world, campaigns, version])

    def share(self, after: int) -> float:
        """Share of all that is trained on that the attacker wrote up to a round."""
        written = int(self.written[after])
        return written / (len(self.app.data.train) + written)


def replay(
    app: Application,
    lessons: Sequence[Lesson],
    luck: np.random.SeedSequence,
    campaigns: int,
    kept: float,
) -> Replay:
    """Train every version of every campaign in both worlds, in one call, and watch over them.

    Each campaign collects its own clean records (each with probability `kept`), has its own seed
    and its own review; the honest world of a campaign shares all but the feedback, which is as
    many records a round, drawn from similar data, with their true classes. Training always
    starts anew, so a version depends on the feedback so far and not on the versions before it.
    """
    loop, trainer = app.feedback, app.trainer
    if loop is None or trainer is None:
        raise NotOffered("the application does not learn from feedback, as far as is known")
    lessons = [*lessons, *[_silence(app)] * (loop.rounds - len(lessons))]
    rng = np.random.default_rng(luck)
    clean = rng.random((campaigns, len(app.data.train))) < kept
    seeds = [int(s) for s in rng.integers(0, 2**31 - 1, campaigns)]
    late = rng.spawn(1)[0]  # what depends on the number of records comes from another stream
    school = _School.of(app, lessons, loop, (campaigns, late))
    versions = _train(trainer, school, clean, seeds)
    places = [versions.labels(part.x) for part in (app.data.holdout, app.data.calibration)]
    labels, known = (school.unfolded(found) for found in places)
    right = (known == app.data.calibration.y).mean(axis=-1)
    serving, noticed = _watched(right, loop)
    written = np.cumsum([0, *(len(lesson) for lesson in lessons)])
    return Replay(
        app=app,
        loop=loop,
        labels=labels,
        right=right,
        serving=serving,
        noticed=noticed,
        written=written,
        corrected=school.corrected,
    )


def _silence(app: Application) -> Lesson:
    return Lesson.about(app.data.train.take(slice(0, 0)), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _School:
    """All records there are, and which of them each version learns from.

    `union` holds the training data, then what was claimed, then the same as review would have it,
    then similar records; `masks` is `(2, C, R + 1, union)` without the training data.
    """

    union: Data
    masks: Bools
    corrected: Ints

    @staticmethod
    def of(
        app: Application,
        lessons: Sequence[Lesson],
        loop: Feedback,
        draws: tuple[int, np.random.Generator],
    ) -> _School:
        campaigns, rng = draws
        sizes = [len(lesson) for lesson in lessons]
        total, rounds = sum(sizes), len(sizes)
        claimed = np.concatenate([lesson.labels for lesson in lessons])
        truth = claimed
        if loop.review:
            truth = np.concatenate([honest_labels(x, app.labeller) for x in lessons])
        looked = np.zeros((campaigns, total), dtype=bool)
        if loop.review:
            looked = np.stack(
                [np.concatenate(reviewed(sizes, loop.review, rng)) for _ in range(campaigns)]
            )
        similar = app.data.similar
        x = np.concatenate([lesson.x for lesson in lessons])
        union = Data(x=app.data.train.x, y=app.data.train.y)
        for more in (Data(x=x, y=claimed), Data(x=x, y=truth), Data(x=similar.x, y=similar.y)):
            union = union.joined(more)
        masks = np.zeros((2, campaigns, rounds + 1, 2 * total + len(similar)), dtype=bool)
        # A record is known to every version from its round on.
        known = np.arange(rounds + 1)[:, None] > np.repeat(np.arange(rounds), sizes)
        masks[TAUGHT, :, :, :total] = known & ~looked[:, None]
        masks[TAUGHT, :, :, total : 2 * total] = known & looked[:, None]
        wanted = min(total, len(similar))
        for campaign in range(campaigns):
            drawn = 2 * total + rng.choice(len(similar), wanted, replace=False)
            masks[HONEST, campaign][:, drawn] = known[:, :wanted]
        wrong = (looked & (claimed != truth)).sum(axis=1)
        return _School(union=union, masks=masks, corrected=wrong)

    @property
    def fresh(self) -> Bools:
        """Which versions differ from the one before, `(2, R + 1)`; version 0 counts once."""
        changes = (self.masks[:, 0, 1:] != self.masks[:, 0, :-1]).any(axis=-1)
        first = np.array([[True], [False]])
        return np.hstack([first, changes])

    def unfolded(self, labels: Ints) -> Ints:
        """Give every version its answers: `(fresh versions * C, n)` to `(2, C, R + 1, n)`."""
        worlds, campaigns, versions = self.masks.shape[:3]
        trained = labels.reshape(-1, campaigns, labels.shape[1])
        place = np.cumsum(self.fresh.reshape(-1)).reshape(worlds, versions) - 1
        start = np.zeros_like(place)
        # Before its first lesson a world serves version 0, which only the first world trained.
        begun = np.cumsum(self.fresh, axis=1) > 0
        return np.asarray(trained[np.where(begun, place, start)].transpose(0, 2, 1, 3))


def _train(trainer: Trainer, school: _School, clean: Bools, seeds: list[int]) -> Ensemble:
    fresh = np.argwhere(school.fresh)
    masks = np.concatenate(
        [np.hstack([clean, school.masks[world, :, version]]) for world, version in fresh]
    )
    return trainer.fit_many(school.union, masks, seeds * len(fresh))


def _watched(right: Floats, loop: Feedback) -> tuple[Ints, Ints]:
    """Return the serving versions `(2, C, R + 1)` and the round of the alarm `(2, C)`, or -1."""
    serving = np.zeros(right.shape, dtype=np.int64)
    noticed = np.full(right.shape[:2], -1)
    for world, campaign in np.ndindex(*right.shape[:2]):
        serving[world, campaign], alarm = served(right[world, campaign].tolist(), loop)
        noticed[world, campaign] = -1 if alarm is None else alarm
    return serving, noticed
