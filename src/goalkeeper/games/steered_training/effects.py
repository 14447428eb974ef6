"""What a training depends on: whether its seed or order has an effect, and what can be steered."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Inputs
from goalkeeper.core.power import View
from goalkeeper.games.base import Unfit
from goalkeeper.training import SklearnTrainer

SAME = 1e-3  # difference of scores that is the solver's tolerance and no effect


def unfit_seed(app: Application) -> Unfit | None:
    """Say that the seed of the training has no effect, which was tried; None where it has one."""
    what = "the training has no seed that changes the result"
    return _rule_out(app, what, effect=_have_effect(app)[0])


def unfit_order(app: Application) -> Unfit | None:
    """Say that the order of the records has no effect, or cannot be steered here; else None."""
    trainer = app.trainer
    if trainer is not None and not _have_effect(app)[1]:
        what = "the training has no order of records that changes the result"
        return _rule_out(app, what, effect=False)
    return _steerable(app, "order")


def unfit_weights(app: Application) -> Unfit | None:
    """Say that the weight of records in the loss cannot be steered here; else None."""
    return _steerable(app, "weights")


def _rule_out(app: Application, what: str, *, effect: bool) -> Unfit | None:
    if app.trainer is None:
        return no_recipe()
    if effect:
        return None
    n = len(app.data.train)
    return Unfit(f"{what}: two trainings on {n} records gave the same model", proven=True)


def _steerable(app: Application, what: str) -> Unfit | None:
    if app.trainer is None:
        return no_recipe()
    if what in getattr(app.trainer, "steerable", ()):
        return None
    how = {"order": "step by step", "weights": "with a weight for every record"}[what]
    return Unfit(f"goalkeeper cannot run this application's training {how}")


def no_recipe() -> Unfit:
    """Say that the application cannot be retrained."""
    return Unfit("the application cannot be retrained: its description has no recipe (model.build)")


@lru_cache(maxsize=8)
def _have_effect(app: Application) -> tuple[bool, bool]:
    """Try whether the seed, and whether the order of the records, has an effect on the model.

    All records are used: a part might be a single batch, or too small for early stopping. What
    learns in steps is not tried, as there the game itself measures the effect.
    """
    trainer = getattr(app.trainer, "inner", None) or app.trainer
    if not isinstance(trainer, SklearnTrainer) or "order" in trainer.steerable:
        return True, True
    train, x = app.data.train, app.data.holdout.x
    first = trainer.fit(train, 0)
    if not _same(first, trainer.fit(train, 1), x):
        return True, True
    shuffled = train.take(np.random.default_rng(0).permutation(len(train)))
    return False, not _same(first, trainer.fit(shuffled, 0), x)


def _same(one: Target, other: Target, x: Inputs) -> bool:
    view = min(View.SCORES, one.offers)
    a, b = one.answer(x, view), other.answer(x, view)
    if view < View.SCORES:
        return bool(np.array_equal(a.labels, b.labels))
    return bool(np.array_equal(a.labels, b.labels) and np.abs(a.scores - b.scores).max() < SAME)
