"""Shadow models: trained as the target may have been, with and without each candidate record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats


def shadows(question: Data, access: Access, models: int) -> Iterator[tuple[Floats, Bools]]:
    """Train shadow models in growing stages on halves of the candidates and of one's own data.

    Yields after each stage the scores of all models so far `(m, n, classes)`, and whether each
    saw the candidate `(m, n)`. Every record is in exactly half of the models of a stage.
    """
    pool, trainer = question.joined(access.data()), access.trainer()
    scores: list[Floats] = []
    masks: list[Bools] = []
    for size in stages(models):
        drawn = balanced(size, len(pool), access.rng)
        seeds = access.rng.integers(0, 2**31, size).tolist()
        ensemble = trainer.fit_many(pool, drawn, seeds)
        scores.append(ensemble.scores(question.x))
        masks.append(drawn[:, : len(question)])
        yield np.concatenate(scores), np.concatenate(masks)


def stages(models: int) -> list[int]:
    """Cut the number of models into growing stages (16, 16, 32, ...) of even size."""
    first = min(16, max(4, models - models % 2))
    sizes = [first]
    while sum(sizes) < models:
        sizes.append(min(sum(sizes), models - sum(sizes)))
    return sizes


def balanced(models: int, records: int, rng: np.random.Generator) -> Bools:
    """Draw masks `(models, records)` in which every record is in exactly half of the models."""
    ranks = rng.random((models, records)).argsort(axis=0)
    return np.asarray(ranks < models // 2)
