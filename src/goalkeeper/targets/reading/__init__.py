"""Read the preprocessing of a fitted pipeline as features made from columns one by one."""

from goalkeeper.targets.reading.containers import is_sampler
from goalkeeper.targets.reading.designs import Reading, read_preprocessing, reorder_of
from goalkeeper.targets.reading.linear_steps import (
    Affine,
    Fold,
    Reorder,
    affine,
    fold_of,
    scales_only,
)

__all__ = [
    "Affine",
    "Fold",
    "Reading",
    "Reorder",
    "fold_of",
    "affine",
    "is_sampler",
    "read_preprocessing",
    "reorder_of",
    "scales_only",
]
