"""What attacks on training data share: one contribution for every share that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.games.base import Unfit
from goalkeeper.games.poisoning import Contribution

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def in_steps(
    access: Access,
    counts: Sequence[int],
    change: Callable[[int], Change],
    trigger: tuple[str, ...] = (),
) -> Contribution:
    """Hand in the change of every count, smallest first, and return that of the largest.

    Without any count the change is empty.
    """
    answer = Contribution(change=Change(), access=access, trigger=trigger)
    for i, count in enumerate(counts):
        answer = Contribution(change=change(count), access=access, trigger=trigger)
        if i < len(counts) - 1:
            access.checkpoint(answer)
    return answer


def sides(access: Access) -> tuple[Data, Data]:
    """Return the attacker's data in two parts: harmless records, and all others."""
    data = access.data()
    harmless = data.y == access.harmless
    return data.take(harmless), data.take(~harmless)


def unlabelled_unfit(app: Application) -> Unfit | None:
    """Refuse applications that do not say how contributed records are labelled."""
    if app.labeller is not None:
        return None
    return Unfit(
        "contributed records need an honest labelling process, and none is described (labeller)"
    )


def invented(rng: np.random.Generator, count: int, letters: int = 6) -> tuple[str, ...]:
    """Make up words that nobody uses, of alternating consonants and vowels."""
    sounds = [_CONSONANTS, _VOWELS] * letters
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(s[int(rng.integers(len(s)))] for s in sounds[:letters])] = None
    return tuple(words)
