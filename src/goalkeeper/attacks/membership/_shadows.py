"""Shadow models: trained as the target may have been, with and without each candidate record."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.training.answers import reduce_scores

Signal = Callable[[Floats, Ints], Floats]


def refuse_without_recipe(app: Application) -> Unfit | None:
    """Refuse an application that no shadow model can be trained for."""
    if app.trainer is not None:
        return None
    return Unfit(
        "shadow models cannot be trained: the description has no recipe (model.build), only a "
        "model that is already trained"
    )


def train_shadows(
    question: Data, access: Access, models: int, signal: Signal
) -> Iterator[tuple[Floats, Bools]]:
    """Train shadow models in growing stages on halves of the candidates and of own data.

    Yields after each stage the signals of all models so far `(m, n)`, and whether each saw the
    candidate `(m, n)`. Every record is in exactly half of the models of a stage. `signal` takes
    scores `(m, r, classes)` and true classes `(r,)`; scores are asked for a block of records at a
    time, and only their signals are kept.
    """

    def reduce_block(scores: Floats, rows: slice) -> Floats:
        return signal(scores, question.y[rows])

    pool, trainer = question.joined(access.data()), access.trainer()
    signals: list[Floats] = []
    masks: list[Bools] = []
    for size in plan_stages(models):
        drawn = draw_balanced_masks(size, len(pool), access.rng)
        seeds = access.rng.integers(0, 2**31, size).tolist()
        ensemble = trainer.fit_many(pool, drawn, seeds)
        signals.append(reduce_scores(ensemble, question.x, reduce_block, access.memory))
        masks.append(drawn[:, : len(question)])
        yield np.concatenate(signals), np.concatenate(masks)


def plan_stages(models: int) -> list[int]:
    """Cut the number of models into growing stages (16, 16, 32, ...) of even size."""
    models = max(4, models - models % 2)
    sizes = [min(16, models)]
    while sum(sizes) < models:
        sizes.append(min(sum(sizes), models - sum(sizes)))
    return sizes


def draw_balanced_masks(models: int, records: int, rng: np.random.Generator) -> Bools:
    """Draw masks `(models, records)` in which every record is in exactly half of the models.

    Model 2i + 1 is trained on what model 2i is not, so that both can be left out together.
    """
    ranks = rng.random((models // 2, records)).argsort(axis=1)
    first = ranks < records // 2
    return np.asarray(np.stack([first, ~first], axis=1).reshape(-1, records))
