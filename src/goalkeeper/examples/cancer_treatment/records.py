"""Measurements of 569 tumours (scikit-learn's breast cancer data), with invented patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

AGES = ("under 50", "50 to 69", "70 and older")
SMOKERS = 0.3
POOLED = 8000  # records of the hardened description, most of them of invented tumours
MOST_MIXED = 0.5  # the largest share of its second tumour in an invented one


def contents(seed: int, size: int | None) -> dict[str, bytes]:
    """Write the first `size` patients (default: all).

    Ages and who smokes are drawn at random: smoking has nothing to do with the tumour, so what
    an attacker learns of it beyond its base rate can only come from the model's memory.
    """
    data, rng = _tumours(), np.random.default_rng(seed)
    return _written(data, rng, size)


def hardened_contents(seed: int, size: int | None) -> dict[str, bytes]:
    """Write the patients of several hospitals: the 569 tumours, and invented ones.

    An invented tumour lies between two of the same kind, so that what a tumour of this kind looks
    like stays as it is.
    """
    data, rng = _tumours(), np.random.default_rng(seed)
    wanted = (size or POOLED) - len(data)
    if wanted > 0:
        data = pd.concat([data, _invent(data, wanted, rng)], ignore_index=True)
    return _written(data, rng, size)


def _tumours() -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    frame = pd.DataFrame(data.data, columns=[n.replace(" ", "_") for n in data.feature_names])
    frame["tumour"] = np.where(data.target == 1, "benign", "malignant")
    return frame


def _invent(known: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mix each of `n` tumours, drawn at random, with another of its kind."""
    first = known.sample(n, replace=True, random_state=rng)
    mixed = []
    for _, ones in first.groupby("tumour"):
        others = known[known.tumour == ones.tumour.iloc[0]].sample(
            len(ones), replace=True, random_state=rng
        )
        share = rng.uniform(0, MOST_MIXED, (len(ones), 1))
        numbers: Any = ones.drop(columns="tumour").to_numpy()
        numbers = numbers + share * (others.drop(columns="tumour").to_numpy() - numbers)
        mixed.append(
            pd.DataFrame(numbers, columns=known.columns[:-1])
            .round(5)
            .assign(tumour=ones.tumour.iloc[0])
        )
    return pd.concat(mixed).sample(frac=1, random_state=rng)


def _written(tumours: pd.DataFrame, rng: np.random.Generator, size: int | None) -> dict[str, bytes]:
    """Add invented patients to the tumours, and write the first `size` of them."""
    n = len(tumours)
    frame = tumours.copy()
    frame.insert(0, "patient", [f"P{i:03d}" for i in rng.permutation(n)])
    frame.insert(1, "age", rng.choice(AGES, n, p=(0.3, 0.5, 0.2)))
    frame.insert(2, "smoker", (rng.random(n) < SMOKERS).astype(int))
    return {"patients.csv": frame[:size].to_csv(index=False, lineterminator="\n").encode()}
