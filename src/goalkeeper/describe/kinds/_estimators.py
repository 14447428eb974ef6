"""A fitted scikit-learn estimator that was loaded from a file, as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.application import Target
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.describe.kinds._frames import (
    domain_of,
    refuse_no_classifier,
    refuse_other_columns,
    unseen_columns,
    with_words_or_categories,
)
from goalkeeper.describe.kinds.base import Model, ModelContext, ModelFile

SAMPLE = 4  # inputs by which it is found out what kind of table the model takes


def loaded(
    estimator: Any,
    file: ModelFile,
    context: ModelContext,
    read: Callable[[Path], Any],
    dump: Callable[[Any], bytes],
    caveats: Sequence[str],
) -> Model:
    """Make a target of a fitted estimator, with its recipe where it can be cloned.

    Parameters
    ----------
    estimator
        What the file holds.
    file
        The file, which runs no code when it is loaded.
    context
        What the application file says around the model.
    read
        Loads an estimator from a file of the same format.
    dump
        Writes an estimator in the same format.
    caveats
        What loading it showed.
    """
    from goalkeeper.targets import SklearnTarget
    from goalkeeper.training import SklearnTrainer

    domain = domain_of(estimator, context.domain)
    refuse_other_columns(estimator, domain)
    trainer = None
    if hasattr(estimator, "get_params"):
        from sklearn.base import clone

        trainer = SklearnTrainer(clone(estimator), context.classes, domain, compute=context.compute)
    else:
        caveats = (*caveats, "the stored model cannot be retrained")
    wrap = partial(SklearnTarget, classes=context.classes, domain=domain)
    return Model(
        target=SklearnTarget(estimator, context.classes, domain, file.path),
        trainer=trainer,
        domain=domain,
        compute=context.cpu_settings,
        caveats=tuple(caveats),
        storage=context.storage(
            file, partial(_wrapped, wrap, read), runs_code=False, save=partial(_saved, dump)
        ),
    )


def is_fitted(model: Any) -> bool:
    """Tell whether an estimator is fitted, by the rule of scikit-learn or by its own method."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    own = getattr(model, "is_fitted", None)  # of CatBoost
    if callable(own):
        return bool(own())
    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except (TypeError, AttributeError):  # not an estimator, but it has predict()
        return True
    return True


def wrap_fitted(model: Any, context: ModelContext, path: Path | None = None) -> Model:
    """Make a target of a fitted estimator; its untrained clone is the recipe.

    Parameters
    ----------
    model
        The estimator.
    context
        What the application says around it.
    path
        The stored file, if there is one.

    Raises
    ------
    DataError, TargetError
        It is no classifier, or does not answer.
    """
    from goalkeeper.targets import SklearnTarget
    from goalkeeper.training import SklearnTrainer
    from goalkeeper.training.recipes import fresh_copy

    refuse_no_classifier(model)
    sample = context.splits.holdout.x[:SAMPLE]

    def tried(domain: Domain) -> SklearnTarget:
        target = SklearnTarget(model, context.classes, domain, path)
        target.answer(sample, View.LABELS)
        return target

    domain = domain_of(model, context.domain)
    refuse_other_columns(model, domain)
    target, domain, notes = with_words_or_categories(domain, tried)
    trainer = None
    if hasattr(model, "fit") and hasattr(model, "get_params"):
        fresh = fresh_copy(model)
        trainer = SklearnTrainer(fresh, context.classes, domain, compute=context.compute)
    else:
        notes = (*notes, "the model cannot be retrained: it has no fit() and get_params()")
    return Model(
        target=target,
        trainer=trainer,
        domain=domain,
        compute=context.cpu_settings,
        caveats=(*notes, *unseen_columns(model, domain)),
    )


def _wrapped(wrap: Callable[[Any], Target], read: Callable[[Path], Any], path: Path) -> Target:
    return wrap(read(path))


def _saved(dump: Callable[[Any], bytes], target: Target) -> bytes:
    model = getattr(target, "model", None)
    if model is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    return dump(model)
