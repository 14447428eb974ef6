"""What a teacher says: its own records, with the class it wants to have learnt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.feedback import FeedbackBatch
from goalkeeper.games.teaching import FeedbackChannel


def choose_wrong_feedback(
    question: FeedbackChannel, access: Access, data: Data
) -> tuple[Data, Ints]:
    """Return own records in a random order, and the wrong class to claim for each, `(m,)`.

    To be taught wrong answers: harmful records are called harmless. To be taught to decline:
    harmless records are called harmful. Without a harmless class every record is called what is
    most frequent among the other classes.
    """
    counted = np.bincount(data.y, minlength=len(access.classes))
    if access.harmless is None:
        about = np.ones(len(data), dtype=bool)
    else:
        harmless = data.y == access.harmless
        about = harmless if question.task == "taught-to-decline" else ~harmless
    rows = access.rng.permutation(np.flatnonzero(about))
    records = data.take(rows)
    if access.harmless is not None and question.task != "taught-to-decline":
        return records, np.full(len(records), access.harmless)
    others = np.where(np.eye(len(counted), dtype=bool), -1, counted)
    return records, np.asarray(others.argmax(axis=1)[records.y])


def cut_batches(records: Data, labels: Ints, sizes: Sequence[int]) -> tuple[FeedbackBatch, ...]:
    """Cut records and claims into batches of these sizes, in order, until none are left."""
    ends = np.minimum(np.cumsum([0, *sizes]), len(records))
    pieces = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    return tuple(FeedbackBatch.about(records.take(piece), labels[piece]) for piece in pieces)


def spread_evenly(total: int, rounds: int, each: int) -> list[int]:
    """Spread records over rounds as evenly as can be, earlier rounds first."""
    ends = np.ceil(np.arange(rounds + 1) * total / max(1, rounds) - 1e-9).astype(int)
    return [min(int(size), each) for size in np.diff(ends)]


def front_load(total: int, rounds: int, each: int) -> list[int]:
    """Fill the first rounds, and say nothing in the others."""
    return [int(np.clip(total - i * each, 0, each)) for i in range(rounds)]


def load_until(total: int, last: int, rounds: int, each: int) -> list[int]:
    """Fill the rounds up to round `last`, the latest first, and say nothing in the others.

    A model that is updated round by round forgets what others contradict: what comes last counts.
    """
    early = [int(np.clip(total - i * each, 0, each)) for i in range(last)][::-1]
    return [*early, *[0] * (rounds - last)]
