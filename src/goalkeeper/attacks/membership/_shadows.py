"""Shadow models: trained as the target may have been, with and without each candidate record."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints

Signal = Callable[[Floats, Ints], Floats]


def refuse_without_recipe(app: Application) -> Unfit | None:
    """Refuse an application that no shadow model can be trained for."""
    if app.trainer is not None:
        return None
    return Unfit(
        "shadow models cannot be trained: the description has no recipe (model.build), only a "
        "model that is already trained"
    )


def ask_shadows(
    question: Data, access: Access, models: int, signal: Signal
) -> Iterator[tuple[Floats, Bools]]:
    """Give the signals of the reference models so far, after each stage of growth.

    Signals `(m, n)`, and whether each model saw the candidate `(m, n)`. `signal` takes scores
    `(m, n, classes)` and true classes `(n,)`; a signal that looks at the true class and at all
    others together is the same where these are taken for two classes.
    """
    first = np.zeros(len(question), dtype=np.int64)
    for stage in access.reference_models(question, models):
        yield signal(stage.confidences, first), stage.member
