"""A fitted scikit-learn estimator that was loaded from a file, as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.application import Target
from goalkeeper.core.errors import NotOffered
from goalkeeper.describe.kinds._frames import domain_of
from goalkeeper.describe.kinds.base import Model, ModelContext, ModelFile


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


def _wrapped(wrap: Callable[[Any], Target], read: Callable[[Path], Any], path: Path) -> Target:
    return wrap(read(path))


def _saved(dump: Callable[[Any], bytes], target: Target) -> bytes:
    model = getattr(target, "model", None)
    if model is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    return dump(model)
