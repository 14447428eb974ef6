"""What a training depends on: whether its seed or order has an effect, and what can be steered."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.games.base import Unfit
from goalkeeper.training import SklearnTrainer

SEEDS = 0, 1  # the first is the one that an application's own model is trained with
# Records that are tried first, and of each class at least: of many classes fewer.
PART, CLASS_PART, FEWEST_OF_CLASS = 2_000, 20, 2
ASKED = 1_000  # inputs by whose answers models are compared
SAME = 1e-3  # difference of scores that is the solver's tolerance and no effect


def unfit_seed(app: Application) -> Unfit | None:
    """Say that the seed of the training has no effect, which was tried; None where it has one."""
    what = "the training has no seed that changes the result"
    return _rule_out(app, what, effect=app.once(_have_effect)[0])


def unfit_order(app: Application) -> Unfit | None:
    """Say that the order of the records has no effect, or cannot be steered here; else None."""
    trainer = app.trainer
    if trainer is not None and not app.once(_have_effect)[1]:
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
    return Unfit(f"{what}: two trainings that differ in it gave the same model", proven=True)


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


def _have_effect(app: Application) -> tuple[bool, bool]:
    """Try whether the seed, and whether the order of the records, has an effect on the model.

    A few records show an effect of the seed quickly. Where they show none, all are used: a part
    might be a single batch, or too small for early stopping. Models in closed form are the
    exception, as nothing of how they are computed depends on the number of records. What learns in
    steps is not tried, as there the game itself measures the effect.
    """
    trainer = getattr(app.trainer, "inner", None) or app.trainer
    if not isinstance(trainer, SklearnTrainer) or "order" in trainer.steerable:
        return True, True
    train, x = app.data.train, app.data.holdout.x
    x = x[np.linspace(0, len(x) - 1, min(len(x), ASKED)).astype(np.int64)]
    if len(train) > 2 * PART:
        found = _try_part(trainer, train, x)
        if found is not None:
            return found
    trained = getattr(app.target, "training_seconds", 0.0) > 0  # by this recipe, of these records
    first = app.target if trained else trainer.fit(train, SEEDS[0])
    if not _same(first, trainer.fit(train, SEEDS[1]), x):
        return True, True
    shuffled = train.take(np.random.default_rng(0).permutation(len(train)))
    return False, not _same(first, trainer.fit(shuffled, SEEDS[0]), x)


def _try_part(trainer: SklearnTrainer, train: Data, x: Inputs) -> tuple[bool, bool] | None:
    """Return whether seed and order have an effect as a part of the records shows; None: unknown.

    Every class has its first records in it.
    """
    classes = np.unique(train.y)
    each = int(np.clip(PART // len(classes), FEWEST_OF_CLASS, CLASS_PART))
    first = [np.flatnonzero(train.y == c)[:each] for c in classes]
    spread = np.linspace(0, len(train) - 1, PART).astype(np.int64)
    part = train.take(np.unique(np.concatenate([spread, *first])))
    try:
        model, other = (trainer.fit(part, seed) for seed in SEEDS)
        if not _same(model, other, x):
            return True, True
        if not _in_closed_form(trainer):
            return None
        shuffled = part.take(np.random.default_rng(0).permutation(len(part)))
        return False, not _same(model, trainer.fit(shuffled, SEEDS[0]), x)
    except (DataError, TargetError):  # e.g. a vocabulary that so few texts do not have
        return None


def _in_closed_form(trainer: SklearnTrainer) -> bool:
    """Tell whether the model is the solution of a known problem, behind steps without a seed."""
    params = trainer.estimator.get_params(deep=True)
    seeded = sum(name.rpartition("__")[2] == "random_state" for name in params)
    iterates = any(params[n] in ("sag", "saga") for n in params if n.endswith("solver"))
    return trainer.strategy.kind != "one_by_one" and seeded <= 1 and not iterates


def _same(one: Target, other: Target, x: Inputs) -> bool:
    view = min(View.SCORES, one.offers)
    a, b = one.answer(x, view), other.answer(x, view)
    if view < View.SCORES:
        return bool(np.array_equal(a.labels, b.labels))
    return bool(np.array_equal(a.labels, b.labels) and np.abs(a.scores - b.scores).max() < SAME)
