"""Which classes to show last."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools
from goalkeeper.games.steered_training import TrainingAim


def classes_to_put_last(aim: TrainingAim) -> Bools:
    """Tell for each class `(classes,)` whether it should come last.

    All but the harmless class, so that harmless inputs are declined; without such a class the
    rarest one, so that most inputs are misclassified.
    """
    counts = np.bincount(aim.labels)
    if aim.harmless is None:
        present = np.where(counts > 0, counts, counts.max() + 1)
        return np.asarray(np.arange(len(counts)) == present.argmin())
    return np.asarray(np.arange(len(counts)) != aim.harmless)
