"""The question of the steered training: what is trained, and which inputs count."""

from __future__ import annotations

from dataclasses import dataclass

from goalkeeper.core.application import Application
from goalkeeper.core.data import Ints


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TrainingAim:
    """Steer the training so that the model misclassifies what it otherwise would not.

    Parameters
    ----------
    rows
        Number of training records.
    tolerance
        Loss of accuracy that a validation before release would let pass.
    harmless
        The class whose inputs count; None: all inputs.
    labels
        The classes of the training records `(rows,)`: who runs the training handles them.
    """

    rows: int
    tolerance: float
    harmless: int | None
    labels: Ints


def describe_aim(app: Application) -> TrainingAim:
    """Return what the attacker knows of the training, and what is aimed at."""
    return TrainingAim(
        rows=len(app.data.train),
        tolerance=app.tolerances.accuracy_drop,
        harmless=app.harmless,
        labels=app.data.train.y.copy(),
    )
