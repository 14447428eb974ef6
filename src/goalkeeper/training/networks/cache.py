"""Long trainings are kept in the store: a run that was killed does not repeat them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goalkeeper.compute.store import About, Store
from goalkeeper.core.data import fingerprint
from goalkeeper.core.errors import StoreError
from goalkeeper.training.networks.blueprint import Arrays, NetworkBlueprint

# Multiplications of a training that is worth a file: a second, or more.
MIN_MULTIPLICATIONS = 1e11


def load_or_train(
    blueprint: NetworkBlueprint,
    multiplications: float,
    decisive: tuple[Any, ...],
    train: Callable[[], Arrays],
) -> Arrays:
    """Return the parameters that the store has, or train and store them.

    Parameters
    ----------
    blueprint
        What is trained, and its settings: with which arithmetic, and in which store.
    multiplications
        How many the training takes, roughly; a short one is not stored.
    decisive
        All that decides the outcome beside the blueprint: arrays, and plain values.
    train
        Gives parameters and buffers by name.
    """
    compute = blueprint.compute
    if not compute.store or multiplications < MIN_MULTIPLICATIONS:
        return train()
    store = Store(Path(compute.store))
    networks = {} if compute.networks is None else asdict(compute.networks)
    key = fingerprint(blueprint.description, compute.arithmetic, networks, decisive)
    stored = store.get_arrays(key)
    if stored is not None:
        return stored
    arrays = train()
    try:
        store.put_arrays(key, arrays, About(attack="trained networks"))
    except StoreError as error:
        warnings.warn(f"trained networks are not kept: {error}", stacklevel=2)
    return arrays
