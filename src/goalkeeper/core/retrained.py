"""What a trainer needs to know of records, and what it does to a model that goes into service."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import is_dataclass, replace
from typing import Any

from goalkeeper.core.application import Trainer
from goalkeeper.core.data import Data

__all__: list[str] = []


def columns_read_by(trainer: Trainer) -> frozenset[str]:
    """Name the columns beside the inputs that a trainer looks at, or one that it wraps.

    Hardly any does. Who retrains leaves the others out.
    """
    own: frozenset[str] = frozenset(getattr(trainer, "columns_read", ()))
    inner = getattr(trainer, "inner", None)
    return own if inner is None else own | columns_read_by(inner)


def with_columns(data: Data, names: Collection[str]) -> Data:
    """Return the same records, of which no other columns than these are known."""
    kept = {name: values for name, values in data.columns.items() if name in names}
    return Data(x=data.x, y=data.y, columns=kept)


def serving_trainer(trainer: Trainer) -> Trainer:
    """Return the trainer of a model that goes into service once it is trained.

    A gate before that (`serving`) looks at what was trained, and is no part of the recipe: whoever
    trains a model for other ends, as attackers do, gets that model. Other trainers are returned as
    they are.
    """
    serving: Trainer | None = getattr(trainer, "serving", None)
    if serving is not None:
        return serving
    inner = getattr(trainer, "inner", None)
    wraps: object = trainer
    if inner is None or not is_dataclass(wraps) or isinstance(wraps, type):
        return trainer
    behind = serving_trainer(inner)
    if behind is inner:
        return trainer
    made: Any = replace(wraps, inner=behind)
    return made  # type: ignore[no-any-return]
