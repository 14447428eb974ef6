"""Read the preprocessing of a fitted pipeline as features made from columns one by one."""

from goalkeeper.targets.reading.containers import is_sampler
from goalkeeper.targets.reading.designs import Reading, read_preprocessing
from goalkeeper.targets.reading.linear_steps import (
    Affine,
    Fold,
    Projection,
    affine,
    fold_of,
    is_foldable,
)

__all__ = [
    "Affine",
    "Fold",
    "Projection",
    "Reading",
    "fold_of",
    "affine",
    "is_foldable",
    "is_sampler",
    "read_preprocessing",
]
