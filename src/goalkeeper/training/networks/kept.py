"""Long trainings are kept in the store: a run that was killed does not repeat them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from goalkeeper.compute.store import About, Store
from goalkeeper.core.data import fingerprint
from goalkeeper.core.errors import StoreError

if TYPE_CHECKING:
    from goalkeeper.training.networks.trainer import TorchTrainer

LONG = 1e11  # multiplications of a training that is worth keeping: a second, or more

Arrays = Mapping[str, NDArray[Any]]


def recalled(
    trainer: TorchTrainer, work: float, decisive: tuple[Any, ...], train: Callable[[], Arrays]
) -> Arrays:
    """Return the parameters that are kept, or train and keep them.

    Parameters
    ----------
    trainer
        Its recipe, and its means: with which arithmetic, and in which store.
    work
        How many multiplications the training takes; a short one is not kept.
    decisive
        All that decides the outcome beside the recipe: arrays, and plain values.
    train
        Gives parameters and buffers by name.
    """
    means = trainer.means
    if not means.store or work < LONG:
        return train()
    store = Store(Path(means.store))
    networks = {} if means.networks is None else asdict(means.networks)
    key = fingerprint(trainer.recipe, means.arithmetic, networks, decisive)
    found = store.get_arrays(key)
    if found is not None:
        return found
    trained = train()
    try:
        store.put_arrays(key, trained, About(attack="trained networks"))
    except StoreError as error:
        warnings.warn(f"trained networks are not kept: {error}", stacklevel=2)
    return trained
