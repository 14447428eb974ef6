"""Replay an attacker's feedback over many campaigns, each beside one with honest feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Feedback
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.feedback import FeedbackBatch, restored, served
from goalkeeper.games.teaching.versions import (
    ATTACKED,
    HONEST,
    Lessons,
    retrain_versions,
    update_versions,
)

__all__ = ["ATTACKED", "HONEST", "CampaignReplay", "replay_campaigns"]


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
    """Make every version of every campaign in both worlds, and monitor them.

    Each campaign collects its own clean records (each with probability `kept`), has its own seed
    and its own review; the honest world of a campaign shares all but the feedback, which is as
    many records a round, drawn from similar data, with their true classes. Where the application
    retrains, a version depends on the feedback so far and not on earlier versions; where it
    learns in place, each version is the one before, updated with the feedback of its round.
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
    lessons = Lessons.of(app, batches, loop, (campaigns, late))
    answer = update_versions if loop.in_place else retrain_versions
    labels, reference = answer(app, lessons, clean, seeds)
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
        corrected=lessons.corrected,
    )


def _empty_batch(app: Application) -> FeedbackBatch:
    return FeedbackBatch.about(app.data.train.take(slice(0, 0)), np.zeros(0, dtype=np.int64))


def _monitor(right: Floats, loop: Feedback) -> tuple[Ints, Ints]:
    """Return the serving versions `(2, C, R + 1)` and the round of the alarm `(2, C)`, or -1."""
    serving = np.zeros(right.shape, dtype=np.int64)
    noticed = np.full(right.shape[:2], -1)
    for world, campaign in np.ndindex(*right.shape[:2]):
        serving[world, campaign], alarm = served(right[world, campaign].tolist(), loop)
        noticed[world, campaign] = -1 if alarm is None else alarm
    return serving, noticed
